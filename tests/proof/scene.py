"""A scene: what is there, and who then does what at the same time."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from orders import HOST, NOW, Launch, order_task, start_build
from orders import claim as take

from isobuild.db import Database
from isobuild.domain import builds, orders, turns
from isobuild.domain.builds import End
from isobuild.domain.hosts import Host
from isobuild.domain.orders import Order
from isobuild.domain.rules import Rules
from isobuild.domain.states import BuildState, Cause, TaskState
from isobuild.store.local import Stored
from proof.actors import Work
from proof.invariants import World

OTHER = Host("stove")
LATER = NOW + HOST.lease + timedelta(microseconds=1)  # the leases of NOW are over
NOBODY = 1 << 30  # no process has this number

FILE = Stored(name="tea.iso", size=700 << 20, sha256="5a" * 32)
SUCCESS = End(state=BuildState.SUCCEEDED, files={"iso": FILE})
FAILURE = End(state=BuildState.FAILED, cause=Cause.UPSTREAM, error="The mirror is away.")
HOPELESS = End(state=BuildState.FAILED, cause=Cause.REQUEST, error="There is no such package.")

Outcomes = Mapping[str, object]  # what each actor's call returned or raised
Check = Callable[[Outcomes, World], str | None]


def nothing_more(_outcomes: Outcomes, _world: World) -> None:
    """The invariants are enough."""


@dataclass(frozen=True)
class Scene:
    """Calls to be made at the same time; `just` says what is wrong about how they ended, if anything is."""

    works: Mapping[str, Work]
    just: Check = nothing_more
    slots: Mapping[str, int] = field(default_factory=lambda: {HOST.name: HOST.slots, OTHER.name: OTHER.slots})


# the calls


def call(work: Callable[..., object], *facts: Any) -> Work:
    """A domain call in its own transaction."""
    return lambda database: database.write(work, *facts)


def finish(launch: Launch, end: End, token: str | None = None) -> Work:
    return call(builds.finish, launch.build, token or launch.token, end, NOW)


def claim(launched: Launch, now: datetime = NOW) -> Work:
    return lambda database: bool(take(database, launched, os.getpid(), now))


def launch(number: int, host: Host = HOST, now: datetime = NOW) -> Work:
    return lambda database: database.write(builds.flag_busy, number, host, now) is not None


def order(name: str, rules: Rules | None = None, **wish: Any) -> Work:
    wanted = Order(**({"user": "diky", "name": name, "recipe": "tiny"} | wish))
    return lambda database: database.write(orders.order, wanted, HOST.queues, NOW, rules).id


# what is there


def flagged(database: Database, name: str = "tea", host: Host = HOST, **wish: Any) -> Launch:
    """A task whose build is flagged busy, and claimed by nobody yet."""
    order_task(database, name, **wish)
    return start_build(database, host=host)


def building(database: Database, name: str = "tea", host: Host = HOST, **wish: Any) -> Launch:
    """A task that is being built by a runner that lives."""
    launched = flagged(database, name, host, **wish)
    take(database, launched, os.getpid(), host=host)
    return launched


def enqueued(database: Database, name: str = "tea", **wish: Any) -> tuple[int, int]:
    """A task whose build waits for its launch; the numbers of both."""
    number = order_task(database, name, **wish)
    database.write(turns.enqueue, HOST, NOW)
    (build,) = database.write(builds.pending_on, HOST)
    return number, build


# how it may end


def accepted(outcome: object) -> bool:
    return outcome is not False and outcome != 0 and not isinstance(outcome, Exception)


def one_of(*names: str) -> Check:
    """Just one of the calls must have been accepted."""

    def just(outcomes: Outcomes, _world: World) -> str | None:
        done = [name for name in names if accepted(outcomes[name])]
        return None if len(done) == 1 else f"{' and '.join(done) or 'none'} of {names} was accepted"

    return just


def none_of(*names: str) -> Check:
    """Neither of the calls must have been accepted."""

    def just(outcomes: Outcomes, _world: World) -> str | None:
        done = [name for name in names if accepted(outcomes[name])]
        return f"{' and '.join(done)} was accepted" if done else None

    return just


def ends_as(number: int, state: TaskState) -> Check:
    """The task must be in this state."""

    def just(_outcomes: Outcomes, world: World) -> str | None:
        found = world.tasks[number].state
        return None if found is state else f"task {number} is {found}, and should be {state}"

    return just


def all_of(*checks: Check) -> Check:
    """All of them."""
    return lambda outcomes, world: next((words for check in checks if (words := check(outcomes, world))), None)
