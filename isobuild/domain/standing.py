"""Where a waiting task stands: why it waits, in a sentence, and when its ISO is expected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain import dependencies, forecast, limits, line, queues, turns
from isobuild.domain.forecast import Forecast
from isobuild.domain.hosts import Host
from isobuild.domain.states import OPEN, BuildState, TaskState
from isobuild.domain.tables import Build, Task

DEEP = 100  # tasks in a row, each waiting for the one before, that a forecast goes through


@dataclass(frozen=True, slots=True)
class Standing:
    """Why a task waits, how many go before it (`line.FAR` for that many or more), and when it is expected.

    Each may be unknown; only a task that may go has others before it.
    """

    why: str | None
    before: int | None
    eta: Forecast | None


def of(session: Session, numbers: Iterable[int], host: Host, now: datetime) -> dict[int, Standing]:
    """Where these tasks stand, those that have not come to their end."""
    waiting = select(Task).where(Task.id.in_(list(numbers)), Task.state.in_(OPEN))
    found = session.scalars(waiting).all()
    return Look(session, host, now).standings(found) if found else {}


class Look:
    """One look at the line, for as many tasks as are asked about."""

    def __init__(self, session: Session, host: Host, now: datetime) -> None:
        self.session, self.host, self.now = session, host, now
        self.paused = queues.paused(session)
        self.served = [name for name in host.queues if name not in self.paused]
        self.line = list(line.line_up(session, self.served, now if host.rules.fair else None))
        self.places = {number: place for place, number in enumerate(self.line)}
        self.past = forecast.Past(session)
        self.etas = forecast.forecast(self.past, self.line, host, now)

    def standings(self, tasks: Sequence[Task]) -> dict[int, Standing]:
        """Where they stand."""
        self._foretell(tasks)
        return {task.id: Standing(self._why(task), self._before(task), self._eta(task)) for task in tasks}

    def _before(self, task: Task) -> int | None:
        may_go = task.state is TaskState.PENDING and task.not_before is None and task.queue in self.served
        return self.places.get(task.id, line.FAR) if may_go else None

    def _eta(self, task: Task) -> Forecast | None:
        return self.etas.get(task.follows or task.id)

    def _foretell(self, tasks: Sequence[Task]) -> None:
        """Forecasts of those that have no place in the line: they sleep, or wait for others."""
        rows, needs = {task.id: task for task in tasks}, dict[int, list[Task]]()
        level = list(rows.values())
        for _ in range(DEEP):
            numbers = [task.id for task in level if task.state is TaskState.BLOCKED and task.id not in needs]
            if not numbers:
                break
            found = dependencies.missing(self.session, numbers)
            needs |= found
            level = [on for others in found.values() for on in others]
            rows |= {on.id: on for on in level}
        for number in sorted(rows):  # what a task depends on was ordered before it
            self._foretell_one(rows[number], needs.get(number))

    def _foretell_one(self, task: Task, needs: Sequence[Task] | None) -> None:
        if task.id in self.etas or task.follows or task.queue not in self.served or task.state not in OPEN:
            return
        starts = [forecast.at(max(task.not_before, self.now))] if task.not_before else []
        if task.state is TaskState.BLOCKED:
            known = [eta for on in needs or () if (eta := self._eta(on))]
            if not needs or len(known) < len(needs):
                return
            starts += known
        likes = self.past.like(task.recipe, task.weight) if starts else []
        if likes:
            self.etas[task.id] = forecast.after(likes, *starts)

    def _why(self, task: Task) -> str | None:
        if task.state is TaskState.BUILDING:
            return None
        if task.state is TaskState.BLOCKED:
            return self._why_blocked(task)
        asleep = self._why_asleep(task)
        if asleep and task.queue in self.paused:
            return f"{asleep}; {self._why_held(task)}"
        return asleep or self._why_held(task) or self._why_in_line(task)

    def _why_blocked(self, task: Task) -> str:
        if task.follows:
            return f"it is the same as task {task.follows}, and will have its ISO"
        others = [on for on in dependencies.of(self.session, task.id) if on.state is not TaskState.READY]
        words = (f"task {on.id} ({on.name})" + ("" if on.state in OPEN else f", which is {on.state}") for on in others)
        return f"it waits for {' and '.join(words)}"

    def _why_asleep(self, task: Task) -> str | None:
        if task.not_before is None:
            return None
        if task.not_before <= self.now:
            return "its time has come: the next tick takes it up"
        when = f"{task.not_before:%Y-%m-%d %H:%M:%S} UTC"
        if not task.attempts:
            return f"it is wanted from {when} on"
        return f"attempt {task.attempts + 1} of {task.max_attempts} comes at {when}"

    def _why_held(self, task: Task) -> str | None:
        """What keeps it back although its turn may have come."""
        if task.queue not in self.host.queues:
            return f"this host does not build what is in queue {task.queue}"
        if pause := self.paused.get(task.queue):
            return f"queue {task.queue} is paused: {pause.reason}"
        if task.recipe in turns.full(self.session, self.host):
            limit = self.host.rules.recipe_limits[task.recipe]
            return f"{limit} of recipe {task.recipe} at a time, and there are as many"
        return self._why_dry(task.recipe)

    def _why_dry(self, recipe: str) -> str | None:
        name = self.host.rules.draws.get(recipe)
        if name is None:
            return None
        allowance = self.host.rules.buckets[name]
        level = limits.look(self.session, name, allowance, self.now)
        if level.has():
            return None
        when = level.when(1, allowance)
        day = "" if when.date() == self.now.date() else f"{when:%Y-%m-%d} "
        return f"bucket {name} is empty, and has the next token at {day}{when:%H:%M:%S} UTC"

    def _why_in_line(self, task: Task) -> str:
        before = self._before(task)
        count = f"{before} or more" if before == line.FAR else before
        first = f"{count} {'build' if before == 1 else 'builds'} before it" if before else "it is the next"
        busy = self.session.scalars(
            select(Build.task_id).where(Build.state == BuildState.RUNNING, Build.host == self.host.name)
        ).all()
        return "; ".join([first, *(self._busy(number) for number in busy[:3])])

    def _busy(self, number: int) -> str:
        eta = self.etas.get(number)
        left = f", about {words(eta.likely - self.now)} left" if eta else ""
        return f"{self.host.name} is building task {number}{left}"


def words(left: timedelta) -> str:
    """A duration for people: "40 s", "3 min", "2 h"."""
    seconds = max(1, round(left.total_seconds()))
    if seconds < 100:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 100 * 60 else f"{round(seconds / 3600)} h"
