"""Carrying a build's steps: each runs behind the door, is listened to, and ends in time or is ended."""

import math
import re
import shlex
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from isobuild.errors import BuildFailed, HostFault, TimedOut, TookLong
from isobuild.image.step import Plan, Step
from isobuild.runner import causes
from isobuild.runner.door import REFUSED, TIMED_OUT, USAGE, Door, Limits, Running
from isobuild.runner.lease import Lease
from isobuild.runner.log import Log, Splitter
from isobuild.runner.workspace import Workspace

#: What a script may print about itself: `isobuild: 40% unpacking`, or `isobuild: later`
SAID = re.compile(r"isobuild: *(?:(?P<percent>\d+(?:\.\d+)?) *% *(?P<what>.*)|(?P<later>later))\s*")
Tell = Callable[..., None]  # how much of a step (0..1) is done, and what is in hand if it has another name
LOOK = 0.25  # seconds between two looks at the lease and the clock
GRACE = 30.0  # seconds that a killed tree has to be gone


@dataclass
class Carry:
    """The steps of one build, in one workspace, as one user."""

    plan: Plan
    door: Door
    user: str
    workspace: Workspace
    limits: Limits
    lease: Lease
    log: Log
    share: float = 1.0  # the part of the whole that the steps are
    take: Callable[[Step], None] = lambda _: None  # called after each step: takes what it left for others
    later: bool = False  # the script said that it ends elsewhere, and reports by itself
    _begun: float = 0.0  # how much of the steps (0..1) earlier plans were
    _started: float = field(default_factory=time.monotonic)
    _asked: bool = False  # the soft limit came while a step ran

    def run(self) -> None:
        """Run all steps. Raises BuildFailed, or what ends the lease; then nothing of them is left running."""
        for index, step in enumerate(self.plan.steps):
            self._run(index, step)

    def go_on(self, plan: Plan) -> None:
        """Run the steps of another plan, which come after those."""
        self._begun = self._done(len(self.plan.steps) - 1, 1.0)
        self.plan = plan
        self.run()

    def attempt(self, step: Step, seconds: float, share: float) -> int:
        """Run one more step, for `seconds` at most, which takes the whole to `share`; its exit status.

        Raises what ends the lease: whatever else comes of it is its caller's matter.
        """

        def tell(fraction: float, what: str = "") -> None:
            self.lease.tell(100 * (self.share + (share - self.share) * fraction), (what or step.name)[:64])

        status = self._perform(step, replace(self.limits, seconds=seconds, soft=None), tell)
        self.lease.check()  # what told us to end may have told the step too
        return status

    def left(self) -> float:
        """The seconds until it is asked to end, or must have ended."""
        return min(self._left(), self._soft_left())

    def wait_for_report(self) -> None:
        """Hold the build until a report ends it (then the lease says LostBuild) or its time is over."""
        while True:
            self.check("report")
            time.sleep(LOOK)

    def check(self, step: str) -> None:
        """Raise what has ended the lease, or TimedOut."""
        self.lease.check()
        if self._left() <= 0:
            raise self._timed_out(step)

    def _run(self, index: int, step: Step) -> None:
        if self._soft_left() <= 0:
            raise self._took_long(step.name)
        left = replace(self.limits, seconds=self._left(), soft=self.limits.soft and self._soft_left())
        status = self._perform(step, left, partial(self._progress, index, step))
        with suppress(BuildFailed) if status else nullcontext():  # then it is the step's failure that counts
            self.take(step)
        if status:
            self.lease.check()  # what told us to end may have told the step too
            raise self._failure(step.name, status)
        self._progress(index, step, 1.0)

    def _perform(self, step: Step, limits: Limits, tell: Tell) -> int:
        ear = Ear(self.log, lambda line: self._hear(step, tell, line))
        self.log.write("run", f"step {step.name}: {shlex.join(step.command())}")
        tell(0.0)
        stdin = ["--stdin", str(step.stdin)] if step.stdin else []
        options = [*limits.arguments(), "--env", str(self.workspace.environment), *stdin]
        running = self.door.run(self.user, self.workspace.path, options, step.command(), ear.hear)
        status = self._wait(running, step)
        ear.end()
        return status

    def _wait(self, running: Running, step: Step) -> int:
        try:
            while (status := running.wait(LOOK)) is None:
                self.check(step.name)
                self._say_if_asked(step.name)
        except BaseException:
            running.release()
            running.wait(GRACE)
            raise
        return status

    def _say_if_asked(self, step: str) -> None:
        if self._soft_left() <= 0 and not self._asked:
            self._asked = True
            self.log.write("run", f"The soft limit of {self.limits.soft:g} s is over: step {step} is asked to end.")

    def _failure(self, step: str, status: int) -> BuildFailed:
        if status == TIMED_OUT and self._left() <= 1:
            return self._timed_out(step)
        if self._soft_left() <= 0:
            return self._took_long(step, status)
        if status in {USAGE, REFUSED} and not self.log.heard("out"):
            return HostFault(what=self.log.tail())
        failed = causes.failure(step, status, self.log.tail(), self.log.tail(20, "\n"))
        failed.facts["lines"] = self.log.ending()
        return failed

    def _timed_out(self, step: str) -> TimedOut:
        return TimedOut(limit=f"{self.limits.seconds:g}", step=step, lines=self.log.ending())

    def _took_long(self, step: str, status: int | None = None) -> TookLong:
        return TookLong(limit=f"{self.limits.soft:g}", step=step, status=status, lines=self.log.ending())

    def _hear(self, step: Step, tell: Tell, line: str) -> None:
        if said := SAID.fullmatch(line):
            self.later = self.later or bool(said["later"])
            if said["percent"]:
                tell(min(float(said["percent"]), 100.0) / 100, said["what"].strip())
        elif (fraction := step.fraction(line)) is not None:
            tell(fraction)

    def _progress(self, index: int, step: Step, fraction: float, what: str = "") -> None:
        self.lease.tell(100 * self._done(index, fraction) * self.share, (what or step.name)[:64])

    def _done(self, index: int, fraction: float) -> float:
        return self._begun + (1 - self._begun) * self.plan.percent(index, fraction) / 100

    def _left(self) -> float:
        return self._started + self.limits.seconds - time.monotonic()

    def _soft_left(self) -> float:
        return self._started + (self.limits.soft or math.inf) - time.monotonic()


class Ear:
    """Hears a command: its chunks become lines of the log, and any of them may tell the progress."""

    def __init__(self, log: Log, tell: Callable[[str], None]) -> None:
        self.log = log
        self.tell = tell
        self._streams = {"out": Splitter(), "err": Splitter()}

    def hear(self, stream: str, chunk: str) -> None:
        """Take what came."""
        self._lines(stream, self._streams[stream].feed(chunk))

    def end(self) -> None:
        """Take what is left without a line's end."""
        for stream, splitter in self._streams.items():
            self._lines(stream, splitter.end())

    def _lines(self, stream: str, lines: list[str]) -> None:
        for line in lines:
            self.log.write(stream, line)
            self.tell(self.log.veil.over(line))
