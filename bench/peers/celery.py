"""celery on Redis."""

import json
from collections.abc import Callable
from uuid import uuid4

import celery

from bench.figures import timed
from bench.peers.base import job_of


class Celery:
    """celery with its defaults, but for one process instead of one for each processor; results are not kept."""

    def __init__(self, url: str, note: Callable[[], None]) -> None:
        self.app = celery.Celery("bench", broker=url)
        self.job = self.app.task(name="job")(job_of(note))
        self.connection = self.app.connection_for_read()

    def prepare(self) -> None:
        """Redis has no tables."""

    def order(self) -> None:
        self.job.delay()

    def order_many(self, count: int) -> bool:
        celery.group(self.job.s() for _ in range(count)).apply_async()
        return True

    def work(self) -> None:
        self.app.worker_main(["worker", "--concurrency=1", "--loglevel=ERROR"])

    def fill(self, jobs: int) -> None:
        """What is past it keeps nothing of. Messages are copies of a first one, each with its own number."""
        redis = self.connection.default_channel.client
        self.order()
        first = redis.lpop("celery").decode()
        number = json.loads(first)["properties"]["delivery_tag"]
        for start in range(0, jobs // 5, 10_000):
            some = range(start, min(start + 10_000, jobs // 5))
            redis.lpush("celery", *(first.replace(number, str(uuid4())) for _ in some))

    def claim(self) -> float:
        queue = self.app.amqp.queues["celery"](self.connection.default_channel)
        took, message = timed(queue.get)
        if message is None:
            return float("nan")
        message.ack()
        return took

    def close(self) -> None:
        self.connection.close()
        self.app.close()
