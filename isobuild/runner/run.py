"""One build, from claim to end.

    claim      the build is this process's, by its token
    plan       the recipe turns the options into steps
    carry      each step runs as the build user, behind the door
    prove      machines boot the ISO, if that is wanted
    publish    the ISO goes into the store
    clear      the workspace goes
    finish     the callback: build and task, in one transaction

All the while the lease is held; who loses it ends, with everything he started.
"""

import contextlib
import os
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from isobuild import nudge
from isobuild.config import Settings
from isobuild.db import Database
from isobuild.domain import artifacts, builds, runners
from isobuild.domain.builds import STOPS, End
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause
from isobuild.domain.tables import Build, Task
from isobuild.errors import BadInput, BuildFailed, DatabaseDown, HostFault, LostBuild, ReportRefused, Stopped
from isobuild.image.snapshot import Snapshot
from isobuild.recipes import Cookbook
from isobuild.runner import proving
from isobuild.runner.carry import Carry
from isobuild.runner.door import Limits
from isobuild.runner.interrupt import Interrupt
from isobuild.runner.lease import Lease
from isobuild.runner.log import Log
from isobuild.runner.prepare import Preparation, Prepared
from isobuild.runner.publish import Publisher
from isobuild.runner.workspace import Workspace, Workspaces
from isobuild.store.local import LocalStore
from isobuild.trust import keys
from isobuild.trust.provenance import Making

WAIT = 0.25  # seconds between two looks whether another build has made what this one needs
STEPS_SHARE = 0.98  # of the whole; the rest is publishing
PATIENCE = 3600.0  # seconds that a build's end waits for a database that is away
HURRY = 5.0  # the same once the process was told to end


@dataclass(frozen=True)
class Runner:
    """What it takes to run a build on this host."""

    settings: Settings
    db: Database
    host: Host
    workspaces: Workspaces
    store: LocalStore
    cookbook: Cookbook
    interrupt: Interrupt = field(default_factory=Interrupt)
    reuses: bool = True  # stages that other builds made
    locked: Snapshot | None = None  # the packages of an earlier build, which are taken again

    def warm_up(self) -> None:
        """Load beforehand what a build will need."""
        for name in self.cookbook.names():
            with contextlib.suppress(HostFault):  # a broken recipe of the site's is its orders' matter
                self.cookbook.find(name)
        with self.db.read() as session:
            builds.owners(session, [0])
        import sh  # noqa: F401

    def run(self, number: int, token: str) -> bool:
        """Carry one build, as a runner of its own; whether that is an ISO. Raises LostBuild if it can't be claimed."""
        me, build, task = self.db.write(self._register, number, token, datetime.now(UTC))
        ready = self.carry(build, task, token)
        self._write(runners.end, me, memory(), datetime.now(UTC))  # not if the build is left: a tick reaps it by us
        nudge.send(self.settings.nudges)
        return ready

    def _register(self, session: Session, number: int, token: str, now: datetime) -> tuple[int, Build, Task]:
        me = runners.register(session, "run", os.getpid(), self.host, now)
        return me, *builds.claim(session, number, token, me, self.host, now)

    def carry(self, build: Build, task: Task, token: str) -> bool:
        """Carry a build, which was claimed, to its end; whether that is an ISO."""
        number = build.id
        log = Log(self.settings.logs / f"{number}.log", self.settings.log_size)
        log.write(
            "run", f"build {number} of task {task.id} ({task.name}), attempt {build.attempt} of {task.max_attempts}"
        )
        lease = Lease(
            self.db, number, token, self.host, self.settings.heartbeat, lambda text: log.write("run", text),
            self.interrupt,
        )  # fmt: skip
        with lease:
            end = self._carry(build, task, token, lease, log)
            if end:
                self._finish(build, token, replace(end, step=lease.step), log)
        log.close()
        return end is not None and end.state is BuildState.SUCCEEDED

    def _carry(self, build: Build, task: Task, token: str, lease: Lease, log: Log) -> End | None:
        """Do the work; the end it came to, or None if the build is no longer ours to end."""
        try:
            return self._make(build, task, token, lease, log)
        except BuildFailed as failure:
            return End.of(failure)
        except BadInput as error:  # the recipe is gone, or takes these options no longer, since it was ordered
            return End(state=BuildState.FAILED, cause=Cause.REQUEST, error=str(error))
        except Stopped as stopped:
            end = STOPS[stopped.facts["asked"]]
            return replace(end, error=stopped.facts.get("why", end.error))
        except LostBuild as lost:
            log.write("run", str(lost))
            return None
        except Exception as error:  # a fault of isobuild's own or of a site's recipe must not leave the build open
            log.write("run", traceback.format_exc())
            what = f"{type(error).__name__}: {error} (the log of build {build.id} has the place)"
            return End.of(HostFault(what=what))
        finally:
            self._clear(build, log)

    def _make(self, build: Build, task: Task, token: str, lease: Lease, log: Log) -> End:
        lease.check()
        keys.find(self.settings.signing)  # a broken one is told before the work, not after it
        with self._prepare(build, task, token, lease, log) as ready:
            proof = proving.wanted(self.settings.boot_test, task.boot_test, ready.plan)
            carry = Carry(
                plan=ready.plan, door=self.workspaces.door, user=self.workspaces.door.user(build.slot),
                workspace=ready.workspace, limits=self._limits(task), lease=lease, log=log,
                share=STEPS_SHARE * proving.share_before(ready.plan, proof), take=ready.take,
            )  # fmt: skip
            carry.run()
            while carry.plan.more:
                carry.go_on(ready.go_on())
        if carry.later:
            carry.wait_for_report()
        boots = proving.Proving(carry, proof).prove(STEPS_SHARE) if proof else None
        end = self._publish(build, task, ready.workspace, carry, ready.making, boots)
        return replace(end, stages=ready.supply.told)

    def _prepare(self, build: Build, task: Task, token: str, lease: Lease, log: Log) -> Prepared:
        def wait() -> None:
            lease.check()
            time.sleep(WAIT)

        with self.db.read() as session:
            made = artifacts.results(session, task.id)
        return Preparation(
            self.settings, self.host, self.workspaces, self.store, self.cookbook, log, wait, self.reuses, self.locked
        ).prepare(build, task, token, made)

    def _limits(self, task: Task) -> Limits:
        chosen = self.settings
        return Limits(
            seconds=task.time_limit, soft=task.soft_limit, memory=chosen.memory, processes=chosen.processes,
            file_size=chosen.file_size,
        )  # fmt: skip

    def _publish(
        self, build: Build, task: Task, workspace: Workspace, carry: Carry, made: Making, boots: proving.Boots | None
    ) -> End:
        """Put what the steps have left into the store."""

        def tell(done: float) -> None:
            carry.check("publish")
            carry.lease.tell(100 * (STEPS_SHARE + (1 - STEPS_SHARE) * done), "publish")

        results = workspace.results()
        key, seed = keys.find(self.settings.signing), self.settings.web_seed(task.id)
        files = Publisher(self.store, build, task, carry.log, tell, made, key, seed).publish(
            workspace, boots.files if boots else {}
        )
        told = boots.told if boots else None
        return End(state=BuildState.SUCCEEDED, files=files, results=results or None, proof=told)

    def _clear(self, build: Build, log: Log) -> None:
        try:
            self.workspaces.remove(build.id)
        except HostFault as error:  # the tick sweeps it later
            log.write("run", f"The workspace could not be removed: {error}")

    def _finish(self, build: Build, token: str, end: End, log: Log) -> None:
        end = replace(end, error=log.veil.over_all(end.error), results=log.veil.over_all(end.results))
        log.write("run", f"{end.state}{f' ({end.cause})' if end.cause else ''}: {end.error or 'the ISO is ready'}")
        try:
            self._write(builds.finish, build.id, token, end, datetime.now(UTC))
        except ReportRefused as error:
            log.write("run", str(error))

    def _write(self, work: Callable[..., None], *facts: Any) -> None:
        """Write it, even if that has to wait for a database that is away."""
        started = time.monotonic()
        while True:
            try:
                return self.db.write(work, *facts)
            except DatabaseDown:
                if time.monotonic() - started > (HURRY if self.interrupt.stopped else PATIENCE):
                    raise
                time.sleep(1)


def memory() -> int:
    """The bytes of memory that this process used at most (getrusage(2) counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
