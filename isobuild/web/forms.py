"""The form of an order: a name, a recipe's options, when it goes, and what is rarely said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from isobuild.config import Settings
from isobuild.domain.states import AfterFailure
from isobuild.errors import BadInput, InvalidOption, UnknownOption
from isobuild.web.fields import AGAIN, KEEP, OPTION, TYPE_AGAIN, Field, bare_name, fields_in, indexes
from isobuild.web.shapes import from_options

BOOT_TESTS = ("as this site does", "yes", "no")


@dataclass(frozen=True)
class Form:
    """The fields, in four groups."""

    name: Field
    options: list[Field]
    rank: list[Field]
    more: list[Field]

    @property
    def fields(self) -> list[Field]:
        """All of them, as they stand on the page."""
        return [each for field in (self.name, *self.options, *self.rank, *self.more) for each in field.all()]

    @property
    def groups(self) -> dict[str, list[Field]]:
        """The options under their headings; those without one first."""
        headings = dict.fromkeys(["", *(field.group for field in self.options)])
        return {each: [field for field in self.options if field.group == each] for each in headings}

    def is_open(self, heading: str) -> bool:
        """Whether the fields under a heading are shown at once: something was chosen there, or is wrong."""
        return any(each.chosen or each.error for field in self.groups[heading] for each in field.all())

    def find(self, name: str) -> Field | None:
        """The field of this name, or else the one that it is a part of."""
        known = {field.name: field for field in self.fields}
        while name and name not in known:
            name = name.rpartition(".")[0]
        return known.get(name)

    def chosen(self, typed: Mapping[str, str]) -> dict[str, object]:
        """The options that were typed, by their names in the recipe."""
        return fields_in(self.options, typed)

    def like(self, options: Mapping[str, Any]) -> "Form":
        """The form with the options of an earlier order."""
        given = {OPTION + name: value for name, value in options.items()}
        filled = [field.fill(given[field.name]) if field.name in given else field for field in self.options]
        return replace(self, options=filled)

    def uploads(self, typed: Mapping[str, str]) -> set[str]:
        """The names of the fields that take a file, with those of the rows that were sent."""
        shown = self.keep(typed, {})
        return {field.name for field in shown.fields if field.kind in {"upload", "text-or-upload"}}

    def missing(self, typed: Mapping[str, str]) -> dict[str, str]:
        """The secrets that were typed before another thing was wrong, and now were not."""
        before = (name.removeprefix(AGAIN) for name in typed if name.startswith(AGAIN))
        return {name: TYPE_AGAIN for name in before if not typed.get(name) and not typed.get(f"{KEEP}{name}")}

    def named(self, name: str) -> "Form":
        """The form with a name in it."""
        return replace(self, name=replace(self.name, value=name))

    def with_row(self, field: str) -> "Form":
        """The form with one row more in this field."""
        return replace(self, options=[each.with_row() if each.name == field else each for each in self.options])

    def keep(self, typed: Mapping[str, str], errors: Mapping[str, str]) -> "Form":
        """The form as it was typed, with what is wrong beside each field."""
        groups = ([field.keep(typed, errors) for field in group] for group in (self.options, self.rank, self.more))
        return Form(self.name.keep(typed, errors), *groups)


def form_for(model: type[BaseModel], settings: Settings) -> Form:
    """The form of a recipe with these options, at this site."""
    name = Field(
        name="name", label="Name", hint="of the task and of its ISO file, such as kiosk or tealinux-2.0", needed=True
    )
    return Form(name, from_options(model), _rank(settings), _more(settings))


def numbered(form: Form, typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, its rows counted from 0 on without those in which nothing stands, as an order counts them."""
    names: dict[str, str | None] = {}
    for field in (each for each in form.options if each.kind == "rows"):
        rows = [f"{field.name}.{index}" for index in indexes(field.name, typed)]
        full = [row for row in rows if any(each.is_typed(typed) for each in field.make(row))]
        names |= dict.fromkeys(rows) | {row: f"{field.name}.{place}" for place, row in enumerate(full)}
    moved = {name: _moved(name, names) for name in typed}
    return {new: typed[name] for name, new in moved.items() if new}


def without_row(typed: Mapping[str, str], row: str) -> dict[str, str]:
    """What was typed, but for this row."""
    return {name: text for name, text in typed.items() if not f"{bare_name(name)}.".startswith(f"{row}.")}


def _moved(name: str, rows: Mapping[str, str | None]) -> str | None:
    bare = bare_name(name)
    row = next((row for row in rows if bare.startswith(f"{row}.")), None)
    if row is None:
        return name
    new = rows[row]
    return new and f"{name[: len(name) - len(bare)]}{new}{bare.removeprefix(row)}"


def beside(error: BadInput) -> dict[str, str]:
    """The words of an error, by the name of the field that they belong to."""
    option = isinstance(error, InvalidOption | UnknownOption)
    return {OPTION * option + error.field: str(error).removeprefix(f"{error.field}: ")}


def _rank(settings: Settings) -> list[Field]:
    usual, first = settings.usual_queue, f"tasks in {settings.queues[0]} go first"
    higher = "from -1000 to 1000; within a queue, higher goes first"
    failures = "if a task that it waits for comes to no ISO: fail too, run all the same, or wait until it was retried"
    return [
        Field(name="queue", label="Queue", kind="select", value=usual, choices=settings.queues, hint=first),
        Field(name="priority", label="Priority", kind="number", value="0", step="1", hint=higher),
        Field(name="not_before", label="Not before", kind="datetime-local", hint="it waits until then (UTC)"),
        Field(name="not_after", label="Not after", kind="datetime-local", hint="canceled if it has not begun (UTC)"),
        Field(name="after", label="After", hint="tasks that must be ready before, by number or name, parted by commas"),
        Field(
            name="on_dependency_failure", label="If one of these fails", kind="select", value="fail",
            choices=[str(each) for each in AfterFailure], hint=failures,
        ),
        Field(name="tags", label="Tags", hint="words by which it is found, such as team=kde, parted by commas"),
        Field(name="fresh", label="Build it anew", kind="checkbox", hint="even if the same was built before"),
    ]  # fmt: skip


def _more(settings: Settings) -> list[Field]:
    attempts = f"failed attempts after which it is failed; if left empty, {settings.max_attempts}"
    limit = f"seconds that a build may take; if left empty, {settings.time_limit:g}"
    kept = "seconds that its ISO is kept; -1: for good; if left empty, as long as others"
    return [
        Field(name="iso", label="ISO file", hint="its name; if left empty, the task's name with .iso"),
        Field(name="max_attempts", label="Attempts", kind="number", step="1", hint=attempts),
        Field(name="time_limit", label="Time limit", kind="number", hint=limit),
        Field(name="soft_limit", label="Soft limit", kind="number", hint="seconds after which it is asked to end"),
        Field(name="ttl", label="Keep its ISO", kind="number", hint=kept),
        Field(
            name="boot_test", label="Boot test", kind="select", value=BOOT_TESTS[0], choices=BOOT_TESTS,
            hint="start a virtual machine from the finished ISO, and show how far it comes",
        ),
        Field(
            name="without_overlapping", label="One at a time", kind="checkbox",
            hint="refused while an order of the same recipe and options is open",
        ),
        Field(
            name="write_last_exec", label="Note its success", kind="checkbox",
            hint="when this order last succeeded is known even after its task is removed",
        ),
    ]  # fmt: skip
