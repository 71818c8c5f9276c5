"""Orders that come together and may depend on each other: all of them become tasks, or none."""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import orders
from isobuild.domain.orders import Order
from isobuild.domain.rules import Rules
from isobuild.domain.tables import Task, User
from isobuild.errors import BadInput, DependencyCycle, InvalidName, located


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order, and what it waits for: numbers of tasks, names of the user's tasks, or names in the same batch."""

    order: Order
    after: tuple[int | str, ...] = ()


def order_all(
    session: Session, wishes: Sequence[Ordered], queues: Sequence[str], rules: Rules, now: datetime
) -> list[int]:
    """Add tasks, dependencies first; their numbers, in the order of `wishes`.

    Raises what `orders.order` does, and of several says which; InvalidName for a name that comes twice; and
    DependencyCycle.
    """
    names = {wish.order.name: wish for wish in wishes}
    places = {wish.order.name: f"order {place}" for place, wish in enumerate(wishes, 1)}
    if len(names) < len(wishes):
        twice = next(name for name in names if sum(wish.order.name == name for wish in wishes) > 1)
        raise InvalidName(field="name", given=twice, allowed="it comes twice in these orders")
    for user, count in Counter(wish.order.user for wish in wishes).items():
        orders.check_allowance(session, user, count, rules, now)
    numbers: dict[str, int] = {}
    for name in _sorted(names):
        wish = names[name]
        with located(places[name]) if len(wishes) > 1 else nullcontext():
            after = tuple(_number(session, wish.order.user, on, numbers) for on in wish.after)
            numbers[name] = orders.order(session, replace(wish.order, after=after), queues, now).id
    return [numbers[wish.order.name] for wish in wishes]


def _sorted(wishes: dict[str, Ordered]) -> list[str]:
    graph = {name: [on for on in wish.after if on in wishes] for name, wish in wishes.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise DependencyCycle(field="after", given=cycle, allowed="each waits for the next, for ever") from None


def _number(session: Session, user: str, on: int | str, batch: dict[str, int]) -> int:
    if isinstance(on, int):
        return on
    if on in batch:
        return batch[on]
    own = select(Task.id).join(User, User.id == Task.user_id).where(User.name == user, Task.name == on)
    number = session.scalar(own) if orders.NAME.fullmatch(on) else None
    if number is None:
        allowed = f"the number of a task, or the name of one that {user} ordered"
        raise BadInput(field="after", given=on[:80], allowed=allowed)
    return number
