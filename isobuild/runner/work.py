"""The loop: one process that takes builds and carries them, one after the other, until there is a reason to end.

    sit down   on one of its host's seats: there are as many as slots
    take       the next build of its queues, as a tick would have started it
    carry      as any runner does
    pause      while there is none

It beats all the while. It does not tick: reaping, schedules and pruning are the tick's.
"""

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from isobuild import nudge
from isobuild.db import Database
from isobuild.domain import builds, runners, taking, tasks
from isobuild.domain.builds import End
from isobuild.domain.taking import Taken
from isobuild.errors import DatabaseDown, HostFault, IsobuildError, LostSeat, NoSeat, ReportRefused
from isobuild.runner.bell import Bell
from isobuild.runner.run import Runner, memory

T = TypeVar("T")
AWAY = 1.0  # seconds between two looks for a database that is away


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How a loop works, and when it ends by itself."""

    until_empty: bool = False  # once there is nothing that it may build now
    wait: bool = False  # not before every task of its queues has come to its end
    max_builds: int | None = None
    max_memory: int | None = None  # bytes; looked at after a build
    sleep: float = 1.0  # seconds, when there is nothing to do
    attempts: int | None = None  # the `max_attempts` of the tasks it builds


class Loop:
    """Builds as `habits` say. `load` reads the settings and makes a runner of them; `say` prints a line."""

    def __init__(self, load: Callable[[], Runner], habits: Habits, bell: Bell, say: Callable[[str], object]) -> None:
        self.load, self.habits, self.bell, self.say = load, habits, bell, say
        self.count = 0  # of the builds it carried
        self._empty = False
        self._unseated = False
        self._out = False

    def work(self) -> None:
        """Take builds and carry them until there is a reason to end. Raises NoSeat; DatabaseDown if told to end then,
        or if a build's end could not be written for too long.
        """
        self.runner = self._insist(self.load)
        self._sit_down()
        while (why := self._why_end()) is None:
            self._turn()
        self._stand_up()  # not after an error: a build may be left, and the tick sees that its runner is gone
        self.say(f"ends: {why}; builds carried: {self.count}")

    def _why_end(self) -> str | None:
        """Why it ends now; None if it goes on."""
        if self.bell.end:
            return f"it was told to ({self.bell.end})"
        if self._unseated:
            return "its host has no seat for it any more"
        if self._empty:
            return "there is nothing left that it may build"
        if self.habits.max_builds and self.count >= self.habits.max_builds:
            return "that is how many it was to carry"
        if self.habits.max_memory and self.count and (used := resident()) > self.habits.max_memory:
            return f"it uses {used >> 20} MiB of memory"
        return None

    def _turn(self) -> None:
        try:
            if self.bell.reread:
                self._reread()
            elif taken := self._write(taking.take, self.me, self.runner.host, self.habits.attempts, memory()):
                self._carry(taken)
            elif self._is_empty():
                self._empty = True
            else:
                self._pause()
        except LostSeat as lost:
            self.say(str(lost))
            self._sit_down()

    def _carry(self, taken: Taken) -> None:
        """Whatever is wrong with a build, the loop goes on."""
        build, task, token = taken
        what = f"build {build.id} of task {task.id} ({task.name})"
        self.say(f"{what}: begins")
        try:
            ready = self.runner.carry(build, task, token)
        except DatabaseDown:  # the build has not ended: nothing more can be done for it here
            raise
        except Exception as error:
            self.say(f"{what}: {traceback.format_exc().strip()}")
            self._end(taken, f"{type(error).__name__}: {error}")
        else:
            self.say(f"{what}: {'ready' if ready else f'no ISO; see isobuild log {task.id} --build {build.id}'}")
        self.count += 1
        nudge.send(self.runner.settings.nudges)

    def _end(self, taken: Taken, what: str) -> None:
        try:
            self._write(builds.finish, taken.build.id, taken.token, End.of(HostFault(what=what)))
        except ReportRefused as error:  # it had ended before
            self.say(str(error))

    def _is_empty(self) -> bool:
        return self.habits.until_empty and not (self.habits.wait and self._insist(self._is_any_left))

    def _is_any_left(self) -> bool:
        with self.runner.db.read() as session:
            return tasks.any_left(session, self.runner.host.queues)

    # its seat

    def _sit_down(self) -> None:
        host = self.runner.host
        self.me = self._write(runners.sit_down, os.getpid(), host)
        self._beaten = time.monotonic()
        self._say_where()

    def _say_where(self) -> None:
        host = self.runner.host
        self.say(f"loop {self.me} on {host.name} (process {os.getpid()}), queues {', '.join(host.queues)}")

    def _stand_up(self) -> None:
        self._leave(self.runner.db, self.me)

    def _leave(self, db: Database, number: int) -> None:
        try:
            db.write(runners.end, number, memory(), datetime.now(UTC))
        except DatabaseDown as error:  # the tick will see that the process is gone
            self.say(str(error))

    def _reread(self) -> None:
        self.bell.reread = False
        try:
            fresh = self.load()
        except (IsobuildError, OSError) as error:
            self.say(f"{error} The settings stay as they were.")
            return
        before, self.runner = self.runner, fresh
        if self._keeps_seat(before):
            self._say_where()
        elif not self._changes_seat(before):
            self.runner, self._unseated = before, True
            return
        before.db.dispose()

    def _keeps_seat(self, before: Runner) -> bool:
        """Whether its seat is one by the new settings too."""
        if before.settings.database_url != self.runner.settings.database_url:
            return False
        return self._insist(self._fits)

    def _fits(self) -> bool:
        with self.runner.db.read() as session:
            return runners.fits(session, self.me, self.runner.host)

    def _changes_seat(self, before: Runner) -> bool:
        """Sit down on another seat, and only then stand up: nobody may take the last one in between."""
        seat = self.me
        try:
            self._sit_down()
        except NoSeat as none:
            self.say(str(none))
            return False
        self._leave(before.db, seat)
        return True

    def _pause(self) -> None:
        over, heartbeat = time.monotonic() + self.habits.sleep, self.runner.settings.heartbeat
        while True:
            rung = self.bell.wait(max(0.0, min(over - time.monotonic(), heartbeat)))
            if time.monotonic() >= self._beaten + heartbeat:
                self._beat()
            if rung or time.monotonic() >= over:
                return

    def _beat(self) -> None:
        if not self._write(runners.beat, self.me, self.runner.host, memory()):
            raise LostSeat(host=self.runner.host.name)
        self._beaten = time.monotonic()

    # the database

    def _write(self, work: Callable[..., T], *facts: Any) -> T:
        return self._insist(lambda: self.runner.db.write(work, *facts, datetime.now(UTC)))

    def _insist(self, work: Callable[[], T]) -> T:
        """Do it, even if that has to wait for a database that is away; but not when told to end."""
        while True:
            try:
                done = work()
            except DatabaseDown as error:
                if self.bell.end:
                    raise
                self._say_if_out(error)
                self.bell.wait(AWAY)
            else:
                self._say_if_back()
                return done

    def _say_if_out(self, error: DatabaseDown) -> None:
        if not self._out:
            self.say(f"{error} The loop waits for it.")
        self._out = True

    def _say_if_back(self) -> None:
        if self._out:
            self.say("The database answers again.")
        self._out = False


def resident() -> int:
    """The bytes of memory that this process uses now (proc(5), /proc/self/statm, the second field counts pages)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
