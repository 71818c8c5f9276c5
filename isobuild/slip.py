"""An order as programs write it, in JSON or TOML: the API's bodies, and a file of orders."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from isobuild.desk import Desk
from isobuild.domain.batch import Ordered
from isobuild.domain.listing import Shown
from isobuild.domain.schedules import GRACE
from isobuild.domain.states import AfterFailure
from isobuild.errors import BadInput, located

Word = Annotated[str, Field(max_length=200)]


class Wanted(BaseModel):
    """What may be said of an order, be it one or one of many to come."""

    model_config = ConfigDict(extra="forbid")

    recipe: str = Field(description="how it is made", examples=["tiny"])
    options: dict[str, Any] = Field({}, description="what the recipe lets you choose")
    queue: str | None = Field(None, description="one of this server's queues; by default the usual one")
    priority: int = Field(0, strict=True, description="within a queue, higher goes first")
    without_overlapping: bool = Field(False, strict=True, description="refused while the same order is open")
    tags: dict[Word, Word] = Field({}, description="words about it, to find it by")
    max_attempts: int | None = Field(None, strict=True, description="failed attempts after which it is failed")
    time_limit: float | None = Field(None, description="seconds that a build may take")
    soft_limit: float | None = Field(None, description="seconds after which a build is asked to end")
    ttl: float | None = Field(None, description="seconds that its ISO is kept; -1: for good")
    boot_test: bool | None = Field(None, strict=True, description="whether its ISO is booted; null: as the site says")
    like: int | None = Field(None, description='the task of yours whose secrets are meant where there is "(secret)"')
    write_last_exec: bool = Field(False, strict=True, description="note when this order last succeeded")


class Slip(Wanted):
    """What is ordered. Only recipe and name are needed."""

    name: str = Field(description="of the task and of its ISO file", examples=["kiosk"])
    iso: str = Field("", description="the ISO's file name; by default the name with .iso")
    not_before: AwareDatetime | None = Field(None, description="it waits until then")
    not_after: AwareDatetime | None = Field(None, description="if it has not begun by then, it is canceled")
    after: Sequence[int | str] = Field((), description="tasks that must be ready before: numbers, or names of yours")
    on_dependency_failure: AfterFailure = Field(AfterFailure.FAIL, description="what it does if one of these fails")
    fresh: bool = Field(False, strict=True, description="built even if the same was built before")

    def ordered(self, desk: Desk) -> Ordered:
        """The order, checked at this desk. Raises BadInput."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        recipe, name, options = said.pop("recipe"), said.pop("name"), said.pop("options")
        return desk.wish(recipe, options, name=name, **said)


class Draft(Slip):
    """An order that may come to be: it needs no name yet."""

    name: str = Field("", description="of the task and of its ISO file", examples=["kiosk"])

    def preview(self, desk: Desk) -> Shown:
        """What it would come to, as preview.look has it. Raises BadInput."""
        from isobuild import preview

        return preview.look(desk, self.recipe, self.options, like=self.like)


class Timetable(Wanted):
    """What is ordered again and again, and when. Only name, cron and recipe are needed."""

    name: str = Field(description="of the schedule; its tasks are called after it and the time", examples=["nightly"])
    cron: str = Field(description="when: minute, hour, day, month, weekday; or @daily", examples=["0 3 * * *"])
    zone: str = Field("UTC", description="the time zone of the cron line", examples=["Asia/Jakarta"])
    grace: float = Field(GRACE, description="seconds; how late a missed fire still orders")

    def add(self, desk: Desk) -> Shown:
        """Add the schedule at this desk. Raises BadInput."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        needed = [said.pop(name) for name in ("name", "cron", "recipe", "options")]
        return desk.add_schedule(*needed, **said)


def order_all(slips: Sequence[Slip], desk: Desk) -> list[Shown]:
    """Order them all, or none. Raises BadInput, which says which is wrong, and Refused."""
    wishes = []
    for place, slip in enumerate(slips, 1):
        with located(f"order {place}"):
            wishes.append(slip.ordered(desk))
    return desk.order_all(wishes)


def read(entry: object, where: str) -> Slip:
    """A slip as parsed JSON or TOML has it. Raises BadInput, which says `where` and which field."""
    try:
        return Slip.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        allowed = "no such field" if first["type"] == "extra_forbidden" else first["msg"]
        field = f"{where}, {field}" if where else field
        raise BadInput(field=field, given=_short(field, first["input"]), allowed=allowed) from None


def _short(field: str, given: object) -> str:
    """What was given, unless there may be secrets in it."""
    return "such a value" if field.endswith("options") else str(given)[:80]
