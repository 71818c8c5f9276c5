"""The desk: what people and programs ask of isobuild, whichever face they come to.

The page, the API, the command line and the Python API all ask here. A change is one row written, and a nudge; the
tick does the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from sqlalchemy.orm import Session

from isobuild import discretion, intake
from isobuild.config import Settings
from isobuild.db import Database
from isobuild.domain import (
    artifacts,
    batch,
    builds,
    forecast,
    history,
    listing,
    orders,
    queues,
    room,
    schedules,
    standing,
    tags,
    tasks,
    wishes,
)
from isobuild.domain.batch import Ordered
from isobuild.domain.hosts import Host
from isobuild.domain.listing import Shown
from isobuild.domain.orders import Order
from isobuild.domain.schedules import GRACE
from isobuild.domain.standing import Standing
from isobuild.domain.states import OPEN, BuildState, TaskState
from isobuild.domain.tables import Artifact
from isobuild.domain.wishes import Wish
from isobuild.errors import DatabaseDown, NotFound
from isobuild.recipes import Cookbook
from isobuild.resolve import Resolver
from isobuild.store import fetch
from isobuild.store.local import LocalStore
from isobuild.store.uploads import Uploads


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where tasks are ordered, asked for and changed, in the name of `user`."""

    settings: Settings
    db: Database
    cookbook: Cookbook
    store: LocalStore
    host: Host
    nudge: Callable[[], object]
    user: str
    now: Callable[[], datetime]
    resolver: Resolver | None = None  # looks packages up before they are ordered; None: the build finds out
    #: recipe, options as JSON holds them, now -> what equal ISOs have in common; None: this one is not shared
    fingerprint: Callable[[str, Mapping[str, Any], datetime], str | None] = field(default=lambda *_: None)

    @property
    def uploads(self) -> Uploads:
        """What people brought for their ISOs."""
        return Uploads(self.settings.uploads, self.settings.upload_size)

    # looking

    def tasks(
        self, *, state: TaskState | None = None, user: str | None = None,
        tags: Mapping[str, str | None] | None = None, search: str = "", before: int | None = None, limit: int = 50,
    ) -> list[Shown]:  # fmt: skip
        """Tasks, the newest first: those that have all these tags (None: with any value), and this text in their name,
        ISO, recipe or options. Raises BadInput.
        """
        if user is not None:
            orders.check_name("user", user)
        with self.db.read() as session:
            look = partial(listing.list_tasks, session, state=state, user=user, tags=tags, text=search, limit=limit)
            found = discretion.search(self.cookbook, look, search, before, limit)
            return self._with_standing(session, found)

    def task(self, number: int) -> Shown:
        """One task. Raises NotFound."""
        with self.db.read() as session:
            shown = discretion.hide(self.cookbook, [listing.show_task(session, number)])
            return self._with_standing(session, shown)[0]

    def _with_standing(self, session: Session, found: list[Shown]) -> list[Shown]:
        """Add why each of them waits, how many go before it, and when it is expected."""
        waiting = [shown["id"] for shown in found if shown["state"] in OPEN]
        stands = standing.of(session, waiting, self.host, self.now()) if waiting else {}
        return [shown | listing.show_standing(stands.get(shown["id"])) for shown in found]

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

    def runners(self, *, everyone: bool = False, limit: int = 50) -> list[Shown]:
        """The runners that run, or everyone, the newest first."""
        with self.db.read() as session:
            return listing.list_runners(session, everyone=everyone, limit=limit)

    def history(self, task: int) -> list[Shown]:
        """Every change of state of a task and its builds, in order; of a removed task too. Raises NotFound."""
        with self.db.read() as session:
            events = history.of(session, task)
            if not events:
                tasks.get(session, task)
        return [listing.show_event(event) for event in events]

    def file(self, task: int, name: str | None = None) -> Artifact:
        """A file of a ready task: its ISO, unless another is named. Raises NotFound, NotReady."""
        with self.db.read() as session:
            return artifacts.find(session, task, name)

    def download(self, task: int, to: Path) -> Path:
        """Copy its ISO into a folder, or to a file; where it is then. Raises NotFound, NotReady, BadInput, Damaged."""
        iso = self.file(task)
        target = to / iso.name if to.is_dir() else to
        fetch.to_file(self.store.path(iso.build_id, iso.file), target, iso.sha256)
        return target

    def queues(self) -> list[Shown]:
        """The queues in their order, and which of them are paused."""
        with self.db.read() as session:
            return listing.show_queues(session, self.settings.queues)

    def limits(self) -> list[Shown]:
        """What is left of what the site allows: of each bucket, of the user's orders, of builds of each recipe."""
        with self.db.read() as session:
            return room.left(session, self.host, self.user, self.now())

    def schedules(self) -> list[Shown]:
        """All schedules, by name."""
        with self.db.read() as session:
            return schedules.list_schedules(session)

    def schedule(self, name: str) -> Shown:
        """A schedule, with its next fires and its last ones. Raises NotFound."""
        with self.db.read() as session:
            return discretion.hide_order(self.cookbook, schedules.show(session, name, self.now()))

    # ordering

    def order(self, recipe: str, options: Mapping[str, object], *, name: str, **wish: Unpack[Wish]) -> Shown:
        """Add a task. Raises BadInput, which names the field, or Refused; then nothing is added."""
        return self.order_all([self.wish(recipe, options, name=name, **wish)])[0]

    def wish(self, recipe: str, options: Mapping[str, object], *, name: str, **wish: Unpack[Wish]) -> Ordered:
        """An order, its options checked, with the site's limits. Raises BadInput."""
        with self.db.read() as session:
            earlier = intake.earlier(session, wish.pop("like", None), recipe, self.user)
        chosen = intake.choose(self.cookbook, self.uploads, recipe, options, earlier)
        if self.resolver:
            self.resolver.check(recipe, chosen, self.now())
        after = wishes.after(wish)
        wish.pop("after", None)
        said: dict[str, Any] = {
            "queue": self.settings.usual_queue,
            "max_attempts": self.settings.max_attempts,
            "retry_delay": self.settings.retry_delay,
            "time_limit": self.settings.time_limit,
            "fingerprint": self.fingerprint(recipe, chosen, self.now()),
        } | {key: value for key, value in wish.items() if value is not None}
        said |= {"on_dependency_failure": wishes.policy(wish), "tags": wishes.tags(wish)}
        order = Order(
            user=self.user, name=name, recipe=recipe, options=chosen, weight=wishes.weight(chosen),
            instance=self.host.instance, **said,
        )  # fmt: skip
        return Ordered(order, after)

    def order_all(self, ordered: Sequence[Ordered]) -> list[Shown]:
        """Add tasks that may depend on each other, all or none; they, as they stand then. Raises BadInput, Refused."""
        rules, now = self.host.rules, self.now()
        added: list[Shown] = self._change(_order_all, ordered, self.settings.queues, rules, now)
        stands: dict[int, Standing] = {}
        with suppress(DatabaseDown):  # they are ordered, whatever can be told of them
            with self.db.read() as session:  # not while others wait for the write
                stands = standing.of(session, [shown["id"] for shown in added], self.host, now)
            told = {number: each.eta for number, each in stands.items() if each.eta}
            if told:
                self.db.write(forecast.promise, told)
        seen = discretion.hide(self.cookbook, added)
        return [shown | listing.show_standing(stands.get(shown["id"])) for shown in seen]

    def stats(self) -> Shown:
        """How many tasks there are in each state, how long builds take, and how often forecasts came true."""
        with self.db.read() as session:
            return listing.show_stats(session)

    # changing

    def cancel(self, number: int) -> TaskState:
        """A person said no; the state in which the task is left. Raises NotFound, CannotCancel."""
        left: TaskState = self._change(tasks.cancel, number, self.user, self.now())
        return left

    def cancel_waiting(self, recipe: str, queue: str | None = None) -> list[int]:
        """A person said no to all that waits of a recipe, in a queue or in all; their numbers. Raises UnknownRecipe,
        UnknownQueue.
        """
        self.cookbook.find(recipe)
        if queue is not None:
            queues.check(queue, self.settings.queues)
        with self.db.read() as session:
            waiting = tasks.waiting(session, recipe, queue)
        canceled: list[int] = []
        for start in range(0, len(waiting), tasks.MANY):  # no write keeps others waiting for long
            some = waiting[start : start + tasks.MANY]
            canceled += self._change(tasks.cancel_waiting, some, self.user, self.now())
        return sorted(canceled)

    def retry(self, number: int) -> None:
        """Let a task be built again. Raises NotFound, CannotRetry, Overlaps."""
        self._change(tasks.retry, number, self.user, self.now())

    def release(self, number: int, not_before: datetime | None = None) -> TaskState:
        """Give a build in hand back; the state in which the task is left. Raises NotFound, CannotRelease."""
        left: TaskState = self._change(tasks.release, number, not_before, self.user, self.now())
        return left

    def remove(self, number: int) -> None:
        """Forget a task. Raises NotFound, CannotRemove, IsNeeded."""
        self._change(tasks.remove, number, self.user, self.now())

    def pin(self, number: int, pinned: bool = True) -> None:
        """Keep a task and its ISO whatever is pruned, or no longer. Raises NotFound."""
        self._change(tasks.pin, number, pinned)

    def tag(self, number: int, put: Mapping[str, str], drop: Sequence[str] = ()) -> None:
        """Set tags of a task, and take others away. Raises NotFound, BadInput."""
        self._change(tags.change, number, put, drop)

    def pause(self, queue: str, reason: str) -> None:
        """Let nothing go from a queue until it is resumed. Raises UnknownQueue."""
        self._change(queues.pause, queue, reason, self.settings.queues, self.user, self.now())

    def resume(self, queue: str) -> None:
        """Let tasks go from a queue again. Raises UnknownQueue, NotPaused."""
        self._change(queues.resume, queue, self.settings.queues)

    # schedules

    def add_schedule(
        self, name: str, cron: str, recipe: str, options: Mapping[str, object], *,
        zone: str = "UTC", grace: float = GRACE, **wish: Unpack[Wish],
    ) -> Shown:  # fmt: skip
        """Order whenever a cron line fires, each time anew. Raises BadInput."""
        wish |= {"fresh": True}
        order = self.wish(recipe, options, name=name, **wish).order
        self._change(schedules.add, name, cron, zone, grace, order, self.settings.queues, self.now())
        return self.schedule(name)

    def pause_schedule(self, name: str, reason: str = "") -> None:
        """Let it order nothing until it is resumed; a second pause gives another reason. Raises NotFound."""
        self._change(schedules.pause, name, reason, self.now())

    def resume_schedule(self, name: str) -> None:
        """Let it order again; what it missed is not made up for. Raises NotFound, ScheduleRuns."""
        self._change(schedules.resume, name, self.now())

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule; its tasks stay. Raises NotFound."""
        self._change(schedules.remove, name)

    def run_schedule(self, name: str) -> int:
        """Order its task now, besides its fires; the task's number. Raises NotFound, BadInput, Refused."""
        number: int = self._change(schedules.run, name, self.host, self.now())
        return number

    def _change(self, work: Callable[..., Any], *facts: Any) -> Any:
        done = self.db.write(work, *facts)
        self.nudge()
        return done


def _order_all(session: Session, *facts: Any) -> list[Shown]:
    numbers = batch.order_all(session, *facts)
    session.expire_all()  # they are shown as whoever looks next will see them
    return listing.show_tasks(session, numbers)
