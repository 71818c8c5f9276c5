"""isobuild itself, where a build is a job: whoever launches it is told, and it has succeeded."""

import signal
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy.orm import Session

from bench.figures import timed
from bench.population import FREE, NOW, fill
from isobuild import nudge, schema, site, tick
from isobuild.clock import Clock
from isobuild.config import Settings
from isobuild.db import Database
from isobuild.domain import builds, orders
from isobuild.domain.batch import Ordered
from isobuild.domain.builds import End
from isobuild.domain.orders import Order
from isobuild.domain.states import BuildState
from isobuild.store.local import Stored

DONE = End(state=BuildState.SUCCEEDED, files={"iso": Stored("image.iso", 200 << 20, "0" * 64)})
USER = "bench"


class Isobuild:
    """isobuild with its defaults: the daemon's clock ticks each minute, and at once when it is nudged."""

    def __init__(self, url: str, folder: Path, note: Callable[[], None]) -> None:
        self.database = Database(url)
        self.settings = Settings(home=folder, database=url, host=FREE.name)
        self.note = note
        self.names = map("bench-{}".format, count())
        self.site = tick.Site(host=FREE)

    def prepare(self) -> None:
        schema.upgrade(self.database)

    def order(self) -> None:
        self.database.write(self._order, 1)
        nudge.send(self.settings.nudges)

    def order_many(self, count: int) -> bool:
        self.database.write(self._order, count)
        nudge.send(self.settings.nudges)
        return True

    def _order(self, session: Session, count: int) -> None:
        for _ in range(count):
            wish = Order(user=USER, name=next(self.names), recipe="script", options={"script": "first"})
            orders.order(session, wish, FREE.queues, datetime.now(UTC))

    def work(self) -> None:
        signals = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        clock = Clock(partial(tick.tick, self.database, self, self.site), self.settings.nudges)
        clock.start()
        signal.sigwait(signals)
        clock.stop()

    def launch(self, build: int, token: str) -> None:
        """The job is entered, and has ended: an operating system's process is started elsewhere."""
        self.note()
        self.database.write(builds.finish, build, token, DONE, datetime.now(UTC))

    def fill(self, jobs: int) -> None:
        fill(self.database, jobs)

    def claim(self) -> float:
        """Both rules, as a tick applies them."""
        held = Held()
        took, _ = timed(lambda: self._take(held))
        for build, token in held.builds:
            self.database.write(builds.finish, build, token, DONE, NOW)
        return took if held.builds else float("nan")

    def _take(self, held: "Held") -> None:
        tick.enqueue(self.database, self.site, NOW)
        tick.launch(self.database, held, self.site, NOW)

    def close(self) -> None:
        self.database.dispose()


class AtTheDesk(Isobuild):
    """The same, by the call that its pages, its API and its programs make.

    The options are checked by the recipe, the fingerprint is looked for, the forecast is kept, the task is shown.
    """

    def prepare(self) -> None:
        super().prepare()
        script = self.settings.home / "scripts" / "first"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        self.desk = site.desk(self.settings, self.database, USER)

    def order(self) -> None:
        name = next(self.names)
        self.desk.order("script", self._options(name), name=name)

    def order_many(self, count: int) -> bool:
        names = [next(self.names) for _ in range(count)]
        wishes: list[Ordered] = [self.desk.wish("script", self._options(name), name=name) for name in names]
        self.desk.order_all(wishes)
        return True

    def _options(self, name: str) -> dict[str, object]:
        return {"script": "first", "settings": {"name": name}}  # no two ask for the same ISO


class Held:
    """A launcher that keeps what it is given, and starts nothing."""

    def __init__(self) -> None:
        self.builds: list[tuple[int, str]] = []

    def launch(self, build: int, token: str) -> None:
        self.builds.append((build, token))
