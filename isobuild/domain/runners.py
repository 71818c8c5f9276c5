"""Runners: the processes that carry builds, as rows."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain.guard import change
from isobuild.domain.hosts import Host, is_alive, process_start
from isobuild.domain.states import RunnerState
from isobuild.domain.tables import Runner
from isobuild.errors import NoSeat


def register(session: Session, kind: str, pid: int, host: Host, now: datetime, seat: str | None = None) -> int:
    """Note that the process `pid` of this host carries builds; the number of its row. `kind` is "run" or "work"."""
    runner = Runner(
        host=host.name, instance=host.instance, kind=kind, pid=pid, pid_start=process_start(pid), seat=seat,
        started_at=now, leased_until=now + host.lease,
    )  # fmt: skip
    session.add(runner)
    session.flush()
    return runner.id


def sit_down(session: Session, pid: int, host: Host, now: datetime) -> int:
    """Register a loop, on one of its host's seats: there are as many as slots. Raises NoSeat when all are taken."""
    for number in range(host.slots):
        try:
            with session.begin_nested():
                return register(session, "work", pid, host, now, seat=f"{host.name}/{number}")
        except IntegrityError:
            continue
    raise NoSeat(host=host.name, slots=host.slots)


def fits(session: Session, number: int, host: Host) -> bool:
    """Whether a loop sits on one of the seats that its host has now."""
    seats = [f"{host.name}/{seat}" for seat in range(host.slots)]
    return session.scalar(select(Runner.id).where(Runner.id == number, Runner.seat.in_(seats))) is not None


def beat(session: Session, number: int, host: Host, memory: int, now: datetime) -> bool:
    """Prolong a runner's lease; False if it was taken for lost. `memory` is what it used at most, in bytes."""
    running = Runner.id == number, Runner.state == RunnerState.RUNNING
    return change(session, Runner, *running, leased_until=now + host.lease, memory=memory) == 1


def end(session: Session, number: int, memory: int, now: datetime) -> None:
    """The runner ends by itself."""
    running = Runner.id == number, Runner.state == RunnerState.RUNNING
    change(session, Runner, *running, state=RunnerState.ENDED, finished_at=now, seat=None, memory=memory)


def lost(session: Session, host: Host, now: datetime) -> Iterable[Runner]:
    """Those that died: of this host when the process is gone, of another when the lease ran out."""
    running = session.scalars(select(Runner).where(Runner.state == RunnerState.RUNNING)).all()
    return [runner for runner in running if _is_lost(runner, host, now)]


def _is_lost(runner: Runner, host: Host, now: datetime) -> bool:
    if runner.host == host.name:
        return not is_alive(runner.pid, runner.pid_start)
    return runner.leased_until < now


def lose(session: Session, runner: Runner, now: datetime) -> bool:
    """Note that a runner is lost; False if a heartbeat since we looked means that it lives."""
    unchanged = Runner.id == runner.id, Runner.state == RunnerState.RUNNING, Runner.leased_until == runner.leased_until
    return change(session, Runner, *unchanged, state=RunnerState.LOST, finished_at=now, seat=None) == 1
