"""huey on SQLite."""

from collections.abc import Callable

from huey import SqliteHuey
from sqlalchemy import make_url

from bench.figures import timed
from bench.peers.base import job_of


class Huey:
    """huey with its defaults: one thread works, and polls; a commit waits for the disk."""

    def __init__(self, url: str, note: Callable[[], None]) -> None:
        self.huey = SqliteHuey("bench", filename=make_url(url).database)
        self.job = self.huey.task()(job_of(note))

    def prepare(self) -> None:
        """It has made its tables already."""

    def order(self) -> None:
        self.job()

    def order_many(self, count: int) -> bool:
        return False

    def work(self) -> None:
        self.huey.create_consumer().run()

    def fill(self, jobs: int) -> None:
        """What is past it keeps no row of."""
        data = self.huey.serialize_task(self.job.s())
        rows = (("bench", data, 0.0) for _ in range(jobs // 5))
        with self.huey.storage.db(commit=True) as cursor:
            cursor.executemany("INSERT INTO task (queue, data, priority) VALUES (?, ?, ?)", rows)

    def claim(self) -> float:
        took, task = timed(self.huey.dequeue)
        return took if task else float("nan")

    def close(self) -> None:
        self.huey.storage.close()
