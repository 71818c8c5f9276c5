"""The desk: what pages and API ask of isobuild. A change is one row written, and a nudge; the tick does the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from isobuild.config import Settings
from isobuild.db import Database
from isobuild.domain import builds, listing, tasks
from isobuild.domain.listing import Shown
from isobuild.domain.states import BuildState, TaskState
from isobuild.domain.tasks import Order
from isobuild.errors import NotFound
from isobuild.recipes import Cookbook
from isobuild.store.local import LocalStore


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where tasks are ordered, asked for and changed, in the name of `user`."""

    settings: Settings
    db: Database
    cookbook: Cookbook
    store: LocalStore
    nudge: Callable[[], object]
    user: str
    now: Callable[[], datetime]

    def tasks(
        self, *, state: TaskState | None = None, user: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[Shown]:
        """Tasks, the newest first."""
        if user is not None:
            tasks.check_name("user", user)
        with self.db.read() as session:
            return listing.list_tasks(session, self.settings.queues, state=state, user=user, before=before, limit=limit)

    def task(self, number: int) -> Shown:
        """One task. Raises NotFound."""
        with self.db.read() as session:
            return listing.show_task(session, number, self.settings.queues)

    def builds(self, *, task: int | None = None, state: BuildState | None = None, limit: int = 50) -> list[Shown]:
        """Builds, the newest first."""
        with self.db.read() as session:
            return listing.list_builds(session, task=task, state=state, limit=limit)

    def build(self, task: int, number: int | None = None) -> Shown:
        """A build of a task: the last, unless another is chosen. Raises NotFound."""
        with self.db.read() as session:
            tasks.get(session, task)
            last = listing.list_builds(session, task=task, limit=1)
            chosen = last if number is None else [listing.show_build(builds.get(session, number))]
        if not chosen or chosen[0]["task_id"] != task:
            raise NotFound(what="build", given=f"{number or ''} of task {task}".strip(), hint="")
        return chosen[0]

    def order(self, *, recipe: str, options: Mapping[str, object], name: str, queue: str, priority: int) -> Shown:
        """Add a task. Raises BadInput, which names the field; then nothing is added."""
        chosen = self.cookbook.dump(self.cookbook.parse(recipe, options))
        wish = Order(
            user=self.user, name=name, recipe=recipe, options=chosen, queue=queue, priority=priority,
            max_attempts=self.settings.max_attempts, retry_delay=self.settings.retry_delay,
            time_limit=self.settings.time_limit,
        )  # fmt: skip
        task = self.db.write(tasks.order, wish, self.settings.queues, self.now())
        self.nudge()
        return self.task(task.id)

    def cancel(self, number: int) -> None:
        """A person said no. Raises NotFound, CannotCancel."""
        self.db.write(tasks.cancel, number, self.now())
        self.nudge()

    def retry(self, number: int) -> None:
        """Let a task be built again. Raises NotFound, CannotRetry."""
        self.db.write(tasks.retry, number)
        self.nudge()

    def remove(self, number: int) -> None:
        """Forget a task. Raises NotFound, CannotRemove."""
        self.db.write(tasks.remove, number)
        self.nudge()


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
