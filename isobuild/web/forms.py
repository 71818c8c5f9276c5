"""The form of an order: a name, a recipe's options, when it goes, and what is rarely said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from isobuild.config import Settings
from isobuild.domain.states import AfterFailure
from isobuild.errors import BadInput, InvalidOption, UnknownOption
from isobuild.web.fields import OPTION, Field, as_text, from_options


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
        return [self.name, *self.options, *self.rank, *self.more]

    def chosen(self, typed: Mapping[str, str]) -> dict[str, object]:
        """The options that were typed, by their names in the recipe."""
        values = {field.name.removeprefix(OPTION): field.read(typed) for field in self.options}
        return {name: value for name, value in values.items() if value is not None}

    def like(self, options: Mapping[str, Any]) -> "Form":
        """The form with the options of an earlier order."""
        earlier = {OPTION + name: as_text(value) for name, value in options.items()}
        filled = [replace(field, value=earlier.get(field.name, field.value)) for field in self.options]
        return replace(self, options=filled)

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
            name="without_overlapping", label="One at a time", kind="checkbox",
            hint="refused while an order of the same recipe and options is open",
        ),
        Field(
            name="write_last_exec", label="Note its success", kind="checkbox",
            hint="when this order last succeeded is known even after its task is removed",
        ),
    ]  # fmt: skip
