"""What may be said about an order beside its recipe, options and name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import index
from typing import Any, Literal, SupportsIndex, TypedDict

from isobuild.domain.states import AfterFailure
from isobuild.errors import BadInput


class Wish(TypedDict, total=False):
    """As `Order` has it; None: as the site says."""

    iso: str
    queue: str | None
    priority: int
    not_before: datetime | None
    not_after: datetime | None
    after: Sequence[str | SupportsIndex]
    on_dependency_failure: AfterFailure | Literal["fail", "run", "wait"]
    without_overlapping: bool
    fresh: bool
    tags: Mapping[str, str]
    max_attempts: int | None
    time_limit: float | None
    soft_limit: float | None
    ttl: float | None
    boot_test: bool | None
    write_last_exec: bool
    like: int | None  # the task whose secrets are meant where the options say "(secret)"


def after(wish: Wish) -> tuple[int | str, ...]:
    """The tasks that it waits for, by numbers and names. Raises BadInput."""
    others = wish.get("after") or ()
    try:
        if not isinstance(others, str):
            return tuple(on if isinstance(on, str) else index(on) for on in others)
    except TypeError:
        pass
    raise BadInput(field="after", given=str(others)[:80], allowed="a list of tasks, by their numbers or names")


def policy(wish: Wish) -> AfterFailure:
    """What it does if one of these fails. Raises BadInput."""
    given = wish.get("on_dependency_failure") or AfterFailure.FAIL
    try:
        return AfterFailure(given)
    except ValueError:
        allowed = ", ".join(AfterFailure)
        raise BadInput(field="on_dependency_failure", given=given, allowed=allowed) from None


def tags(wish: Wish) -> Mapping[str, str]:
    """The words about it. Raises BadInput."""
    given = wish.get("tags") or {}
    if not isinstance(given, Mapping):
        raise BadInput(field="tags", given=str(given)[:80], allowed="words with their values, {'team': 'kde'}")
    return given


def weight(options: Mapping[str, Any]) -> int:
    """How much an order asks for, as forecasts compare orders of one recipe: the things in its lists."""
    return sum(len(value) for value in options.values() if isinstance(value, (list, tuple, dict)))
