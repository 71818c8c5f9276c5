"""Ordering: what a person asks for becomes a task, or is refused in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain import dependencies, executions, history, limits, queues, sharing, tags
from isobuild.domain.columns import AWAKE
from isobuild.domain.history import By
from isobuild.domain.keys import key
from isobuild.domain.rules import Rules
from isobuild.domain.states import OPEN, AfterFailure, TaskState
from isobuild.domain.tables import Task, User
from isobuild.errors import BadInput, InvalidName, NameTaken, Overlaps, TooMany

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
ALLOWED = "1 to 64 letters, digits and . _ + -, the first a letter or digit"
PRIORITIES = range(-1000, 1001)
LONGEST = 30 * 86400  # seconds that a build may take
FAR = timedelta(days=36525)  # nobody wants an ISO that late


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person asks for. `options` are the recipe's, checked by the recipe before."""

    user: str
    name: str
    recipe: str
    options: Mapping[str, Any] = field(default_factory=dict)
    iso: str = ""  # file name; empty: the name with .iso
    queue: str = "default"
    priority: int = 0
    not_before: datetime | None = None
    not_after: datetime | None = None
    after: Sequence[int] = ()  # the tasks that it depends on
    on_dependency_failure: AfterFailure = AfterFailure.FAIL
    without_overlapping: bool = False  # not while there is an open task of the same recipe and options
    fingerprint: str | None = None  # what equal ISOs have in common; None: this one is not shared
    fresh: bool = False  # it is built, whatever there is
    tags: Mapping[str, str] = field(default_factory=dict)
    max_attempts: int = 5
    retry_delay: float = 30.0  # seconds
    time_limit: float = 7200.0  # seconds
    soft_limit: float | None = None  # seconds
    ttl: float | None = None  # seconds that its ISO is kept: None: as the site says; -1: for good
    boot_test: bool | None = None  # whether its ISO is booted: None: as the site says
    write_last_exec: bool = False
    weight: int = 0  # how much it asks for, as forecasts compare orders of one recipe
    instance: str = ""


def order(session: Session, wish: Order, known: Sequence[str], now: datetime, rules: Rules | None = None) -> Task:
    """Add a task.

    Raises InvalidName, NameTaken, UnknownQueue, BadInput, Overlaps, TooMany; then nothing is added.
    """
    check(wish, known, now)
    user = _user(session, wish.user, now)
    _check_free(session, user, wish.name)
    check_allowance(session, wish.user, 1, rules or Rules(), now)
    task = _task(wish, user, now)
    met = {on.id: dependencies.is_met(on, wish.on_dependency_failure) for on in dependencies.lock(session, wish.after)}
    task.waits = sum(not done for done in met.values())
    if task.waits:
        task.state = TaskState.BLOCKED
    like = _like(session, wish, now)
    if like:
        sharing.answer(session, like, {name: place for place, name in enumerate(known)}, task)
    _add(session, task, user)
    dependencies.add(session, task.id, met)
    tags.add(session, task.id, wish.tags)
    why = f"the same as task {like.id}" if like else "ordered"
    history.write(session, Task, task.id, None, task.state, By(wish.user, now, why))
    if like and task.state is TaskState.READY:
        sharing.copy(session, like.id, task, now)
        executions.record(session, task.id, now)
    return task


def _like(session: Session, wish: Order, now: datetime) -> Task | None:
    """A task whose ISO will do, unless this one is wanted later, or after others."""
    if wish.fingerprint is None or wish.fresh or wish.after or (wish.not_before and wish.not_before > now):
        return None
    like = sharing.twin(session, wish.fingerprint, now)
    return like if like and sharing.is_proof_enough(session, like, wish.boot_test) else None


def _task(wish: Order, user: User, now: datetime) -> Task:
    sleeps = wish.not_before is not None and wish.not_before > now
    this = key(wish.recipe, wish.options)
    return Task(
        user_id=user.id, name=wish.name, iso=iso_of(wish), recipe=wish.recipe, options=dict(wish.options),
        state=TaskState.PENDING, queue=wish.queue, rank=-wish.priority,
        not_before=wish.not_before if sleeps else AWAKE, not_after=wish.not_after,
        on_dependency_failure=wish.on_dependency_failure, key=this, without_overlapping=wish.without_overlapping,
        open_key=this if wish.without_overlapping else None,
        fingerprint=None if wish.after else wish.fingerprint,  # what it is made of comes from others
        max_attempts=wish.max_attempts, retry_delay=wish.retry_delay, time_limit=wish.time_limit,
        soft_limit=wish.soft_limit, boot_test=wish.boot_test, ttl=wish.ttl, write_last_exec=wish.write_last_exec,
        weight=wish.weight, instance=wish.instance, created_at=now,
    )  # fmt: skip


def _add(session: Session, task: Task, user: User) -> None:
    if task.without_overlapping:
        check_alone(session, task.key)
    if task.state not in OPEN:
        task.open_key = None
    try:
        with session.begin_nested():
            session.add(task)
    except IntegrityError:  # somebody else took the name, or the place, since they were looked up
        _check_free(session, user, task.name)
        if task.without_overlapping:
            check_alone(session, task.key)
        raise


def check_alone(session: Session, this: str | None) -> None:
    """Raise Overlaps if a task of this key is open."""
    other = session.scalar(select(Task.id).where(Task.key == this, Task.state.in_(OPEN)).limit(1))
    if other is not None:
        raise Overlaps(task=other)


def check(wish: Order, known: Sequence[str], now: datetime) -> None:
    """Raise BadInput for the first thing in an order that can't be, whatever there is."""
    check_name("name", wish.name)
    _check_iso(iso_of(wish))
    queues.check(wish.queue, known)
    if wish.priority not in PRIORITIES:
        raise BadInput(field="priority", given=wish.priority, allowed="a whole number from -1000 to 1000")
    _check_limits(wish)
    check_moment("not_before", wish.not_before, now)
    check_moment("not_after", wish.not_after, now)
    if wish.not_after and wish.not_after <= max(now, wish.not_before or now):
        allowed = "a time to come, later than the one before which it must not begin"
        raise BadInput(field="not_after", given=f"{wish.not_after:%Y-%m-%d %H:%M}", allowed=allowed)
    tags.check(wish.tags)


def check_moment(field: str, moment: datetime | None, now: datetime) -> None:
    """Raise BadInput for a time that is too far away to be meant."""
    if moment is not None and moment - now > FAR:
        raise BadInput(field=field, given=f"{moment:%Y-%m-%d %H:%M}", allowed="a time within the next 100 years")


def _check_limits(wish: Order) -> None:
    if not 1 <= wish.time_limit <= LONGEST:
        raise BadInput(field="time_limit", given=wish.time_limit, allowed="from 1 second to 30 days of them")
    if wish.soft_limit is not None and not 1 <= wish.soft_limit < wish.time_limit:
        allowed = f"from 1 second to less than the time limit, {wish.time_limit:g} s"
        raise BadInput(field="soft_limit", given=wish.soft_limit, allowed=allowed)
    if not 1 <= wish.max_attempts <= 100:
        raise BadInput(field="max_attempts", given=wish.max_attempts, allowed="a whole number from 1 to 100")
    if wish.ttl is not None and wish.ttl != -1 and not 0 <= wish.ttl <= 100 * 366 * 86400:
        raise BadInput(field="ttl", given=wish.ttl, allowed="seconds, 0 for no longer than needed, or -1 for good")


def check_name(what: str, given: str) -> None:
    """Raise InvalidName unless `given` may be the name of a task, a user, a file."""
    if not given:
        raise InvalidName(field=what, given=given, allowed=f"it is empty; {ALLOWED}")
    if len(given) > 64:
        raise InvalidName(field=what, given=f"{given[:20]}…", allowed=f"it has {len(given)} characters; {ALLOWED}")
    if not NAME.fullmatch(given):
        raise InvalidName(field=what, given=given, allowed=ALLOWED)


def iso_of(wish: Order) -> str:
    """The file name of the ISO that is ordered."""
    return wish.iso or f"{wish.name}.iso"


def _check_iso(iso: str) -> None:
    stem, dot, suffix = iso.rpartition(".")
    if not dot or suffix != "iso":
        raise InvalidName(field="iso", given=iso[:80], allowed=f"a file name that ends in .iso; before it {ALLOWED}")
    check_name("iso", stem)


def _check_free(session: Session, user: User, name: str) -> None:
    taken = session.scalar(select(Task.id).where(Task.user_id == user.id, Task.name == name))
    if taken is not None:
        raise NameTaken(field="name", given=name, task=taken)


def check_allowance(session: Session, user: str, count: int, rules: Rules, now: datetime) -> None:
    """Take so many orders from those that a user may make. Raises TooMany, and BadInput if there never are so many."""
    if rules.orders is None:
        return
    check_name("user", user)
    if count > rules.orders.depth:
        raise BadInput(field="orders", given=count, allowed=f"no more at once than anybody may order, {rules.orders}")
    if again := limits.draw(session, limits.orders_of(user), rules.orders, now, count):
        raise TooMany(user=user, allowance=rules.orders, when=f"{again:%Y-%m-%d %H:%M:%S}", again=again)


def _user(session: Session, name: str, now: datetime) -> User:
    check_name("user", name)
    known = select(User).where(User.name == name)
    user = session.scalar(known)
    if user is None:
        try:
            with session.begin_nested():
                session.add(user := User(name=name, created_at=now))
        except IntegrityError:  # two first orders of one user
            user = session.scalars(known).one()
    return user
