"""One build, from claim to end.

    claim      the build is this process's, by its token
    plan       the recipe turns the options into steps
    carry      each step runs as the build user, behind the door
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
from pathlib import Path
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
from isobuild.image import apt
from isobuild.image.step import Place, Plan
from isobuild.recipes import Cookbook
from isobuild.runner import dependencies, python
from isobuild.runner.carry import Carry
from isobuild.runner.door import Limits
from isobuild.runner.interrupt import Interrupt
from isobuild.runner.lease import Lease
from isobuild.runner.log import Log
from isobuild.runner.publish import Publisher
from isobuild.runner.workspace import Workspace, Workspaces
from isobuild.store.local import LocalStore

STEPS_SHARE = 0.98  # of the whole; the rest is publishing
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
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
        plan, workspace = self._prepare(build, task, token)
        carry = Carry(
            plan=plan, door=self.workspaces.door, user=self.workspaces.door.user(build.slot), workspace=workspace,
            limits=self._limits(task), lease=lease, log=log, share=STEPS_SHARE,
        )  # fmt: skip
        carry.run()
        if carry.later:
            carry.wait_for_report()
        return self._publish(build, task, workspace, carry)

    def _prepare(self, build: Build, task: Task, token: str) -> tuple[Plan, Workspace]:
        recipe = self.cookbook.find(task.recipe)
        options = self.cookbook.parse(task.recipe, task.options)
        path = self.workspaces.root / str(build.id)
        needs = self._needs(task)
        place = Place(
            inputs=path / "in", work=path / "work", out=path / "out", iso=task.iso, apt=apt.read_host(),
            epoch=int(task.created_at.timestamp()), site=self.settings.home,
            python=python.command(self.settings.home / "python", recipe, self.workspaces.door.user(build.slot)),
            dependencies=dependencies.told(needs, path / "in"),
        )  # fmt: skip
        plan = recipe.plan(options, place)
        environment = contract(build, task, token, place)
        return plan, self.workspaces.make(build.id, plan.files, environment, task.options, needs)

    def _needs(self, task: Task) -> list[dict[str, Any]]:
        """What the tasks that this one depends on have made, their files as they lie in the store. Raises NotFound."""
        with self.db.read() as session:
            return [
                {**each, **{kind: file and self.store.path(*file) for kind, file in files.items()}}
                for each, files in artifacts.results(session, task.id)
            ]

    def _limits(self, task: Task) -> Limits:
        chosen = self.settings
        return Limits(
            seconds=task.time_limit, soft=task.soft_limit, memory=chosen.memory, processes=chosen.processes,
            file_size=chosen.file_size,
        )  # fmt: skip

    def _publish(self, build: Build, task: Task, workspace: Workspace, carry: Carry) -> End:
        """Put what the steps have left into the store."""

        def tell(done: float) -> None:
            carry.check("publish")
            carry.lease.tell(100 * (STEPS_SHARE + (1 - STEPS_SHARE) * done), "publish")

        results = workspace.results()
        files = Publisher(self.store, build, task, carry.log, tell).publish(workspace)
        return End(state=BuildState.SUCCEEDED, files=files, results=results or None)

    def _clear(self, build: Build, log: Log) -> None:
        try:
            self.workspaces.remove(build.id)
        except HostFault as error:  # the tick sweeps it later
            log.write("run", f"The workspace could not be removed: {error}")

    def _finish(self, build: Build, token: str, end: End, log: Log) -> None:
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


def contract(build: Build, task: Task, token: str, place: Place) -> dict[str, str]:
    """The environment that every script may rely on; docs/contract.md explains it."""
    return {
        "ISOBUILD_BUILD": str(build.id),
        "ISOBUILD_TASK": str(task.id),
        "ISOBUILD_NAME": task.name,
        "ISOBUILD_RECIPE": task.recipe,
        "ISOBUILD_ATTEMPT": str(build.attempt),
        "ISOBUILD_ISO": task.iso,
        "ISOBUILD_IN": str(place.inputs),
        "ISOBUILD_WORK": str(place.work),
        "ISOBUILD_OUT": str(place.out),
        "ISOBUILD_OPTIONS": str(Path(place.inputs) / "options.json"),
        "ISOBUILD_DEPENDENCIES": str(Path(place.inputs) / "dependencies.json"),
        "ISOBUILD_TOKEN": token,
        "SOURCE_DATE_EPOCH": str(place.epoch),
        **{name: os.environ[name] for name in PROXIES if name in os.environ},
    }
