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
import time
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from isobuild import nudge
from isobuild.config import Settings
from isobuild.db import Database
from isobuild.domain import builds
from isobuild.domain.builds import CANCELED, End
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause
from isobuild.domain.tables import Build, Task
from isobuild.errors import BadInput, BuildFailed, DatabaseDown, HostFault, LostBuild, ReportRefused, Stopped
from isobuild.image import apt
from isobuild.image.step import Place, Plan
from isobuild.recipes import Cookbook
from isobuild.runner.carry import Carry
from isobuild.runner.door import Limits
from isobuild.runner.lease import Lease
from isobuild.runner.log import Log
from isobuild.runner.workspace import Workspace, Workspaces
from isobuild.store.local import LocalStore, Stored

STEPS_SHARE = 0.98  # of the whole; the rest is publishing
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
PATIENCE = 3600.0  # seconds that a build's end waits for a database that is away


@dataclass(frozen=True)
class Runner:
    """What it takes to run a build on this host."""

    settings: Settings
    db: Database
    host: Host
    workspaces: Workspaces
    store: LocalStore
    cookbook: Cookbook

    def warm_up(self) -> None:
        """Load beforehand what a build will need."""
        for name in self.cookbook.names():
            with contextlib.suppress(HostFault):  # a broken recipe of the site's is its orders' matter
                self.cookbook.find(name)
        with self.db.read() as session:
            builds.owners(session, [0])
        import sh  # noqa: F401

    def run(self, number: int, token: str) -> bool:
        """Carry build `number` to its end; whether that is an ISO. Raises LostBuild if it can't be claimed."""
        build, task = self.db.write(builds.claim, number, token, os.getpid(), self.host, datetime.now(UTC))
        log = Log(self.settings.logs / f"{number}.log", self.settings.log_size)
        log.write(
            "run", f"build {number} of task {task.id} ({task.name}), attempt {build.attempt} of {task.max_attempts}"
        )
        lease = Lease(self.db, number, token, self.host, self.settings.heartbeat, lambda text: log.write("run", text))
        with lease:
            end = self._carry(build, task, token, lease, log)
            if end:
                self._finish(build, token, replace(end, step=lease.step), log)
        log.close()
        nudge.send(self.settings.nudges)
        return end is not None and end.state is BuildState.SUCCEEDED

    def _carry(self, build: Build, task: Task, token: str, lease: Lease, log: Log) -> End | None:
        """Do the work; the end it came to, or None if the build is no longer ours to end."""
        try:
            file = self._make(build, task, token, lease, log)
            return End(state=BuildState.SUCCEEDED, file=file)
        except BuildFailed as failure:
            return End.of(failure)
        except BadInput as error:  # the recipe is gone, or takes these options no longer, since it was ordered
            return End(state=BuildState.FAILED, cause=Cause.REQUEST, error=str(error))
        except Stopped:
            return CANCELED
        except LostBuild as lost:
            log.write("run", str(lost))
            return None
        except Exception as error:  # a fault of isobuild's own or of a site's recipe must not leave the build open
            log.write("run", traceback.format_exc())
            what = f"{type(error).__name__}: {error} (the log of build {build.id} has the place)"
            return End.of(HostFault(what=what))
        finally:
            self._clear(build, log)

    def _make(self, build: Build, task: Task, token: str, lease: Lease, log: Log) -> Stored:
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
        place = Place(
            inputs=path / "in", work=path / "work", out=path / "out", iso=task.iso, apt=apt.read_host(),
            epoch=int(task.created_at.timestamp()), site=self.settings.home,
        )  # fmt: skip
        plan = recipe.plan(options, place)
        environment = contract(build, task, token, place)
        return plan, self.workspaces.make(build.id, plan.files, environment, task.options)

    def _limits(self, task: Task) -> Limits:
        chosen = self.settings
        return Limits(
            seconds=task.time_limit, memory=chosen.memory, processes=chosen.processes, file_size=chosen.file_size
        )

    def _publish(self, build: Build, task: Task, workspace: Workspace, carry: Carry) -> Stored:
        with workspace.open_iso() as iso:
            size = os.fstat(iso.fileno()).st_size

            def alive(done: int) -> None:
                carry.check("publish")
                carry.lease.tell(100 * (STEPS_SHARE + (1 - STEPS_SHARE) * done / size), "publish")

            stored = self.store.put(build.id, iso, task.iso, alive)
        carry.log.write("run", f"published {stored.name}, {stored.size} bytes, sha256 {stored.sha256}")
        return stored

    def _clear(self, build: Build, log: Log) -> None:
        try:
            self.workspaces.remove(build.id)
        except HostFault as error:  # the tick sweeps it later
            log.write("run", f"The workspace could not be removed: {error}")

    def _finish(self, build: Build, token: str, end: End, log: Log) -> None:
        log.write("run", f"{end.state}{f' ({end.cause})' if end.cause else ''}: {end.error or 'the ISO is ready'}")
        over = time.monotonic() + PATIENCE
        while True:
            try:
                return self.db.write(builds.finish, build.id, token, end, datetime.now(UTC))
            except ReportRefused as error:
                return log.write("run", str(error))
            except DatabaseDown:
                if time.monotonic() > over:
                    raise
                time.sleep(1)


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
        "ISOBUILD_TOKEN": token,
        "SOURCE_DATE_EPOCH": str(place.epoch),
        **{name: os.environ[name] for name in PROXIES if name in os.environ},
    }
