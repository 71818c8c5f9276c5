"""What a queue that is measured can do."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Peer(Protocol):
    """A queue with one kind of job, which does nothing but tell that it was entered. Whoever orders never works."""

    def prepare(self) -> None:
        """Make its tables in an empty database."""

    def order(self) -> None:
        """Order one job, by the call its users make; it is kept when this returns."""

    def order_many(self, count: int) -> bool:
        """Order so many at once, as its users do; False if it has no call for that, and nothing is ordered."""

    def work(self) -> None:
        """Work as one worker does with its default settings, until SIGTERM."""

    def fill(self, jobs: int) -> None:
        """Fill its empty tables with so many jobs: four fifths past, as far as it keeps what is past; the rest wait."""

    def claim(self) -> float:
        """Take the next job as its worker does, and be done with it; how many milliseconds the taking took.

        NaN if there was none.
        """

    def close(self) -> None:
        """Close its connections."""


def job_of(note: Callable[[], None]) -> Callable[[], None]:
    """The job as a function with a name, which every peer asks for."""

    def job() -> None:
        note()

    return job


def make(name: str, url: str, folder: Path, note: Callable[[], None]) -> Peer:
    """A peer by its module's name, on a database or broker; `folder` is its own, `note` what its job calls.

    Raises ModuleNotFoundError if it isn't installed.
    """
    match name:
        case "isobuild":
            from bench.peers.isobuild import Isobuild

            return Isobuild(url, folder, note)
        case "desk":
            from bench.peers.isobuild import AtTheDesk

            return AtTheDesk(url, folder, note)
        case "huey":
            from bench.peers.huey import Huey

            return Huey(url, note)
        case "procrastinate":
            from bench.peers.procrastinate import Procrastinate

            return Procrastinate(url, note)
        case "celery":
            from bench.peers.celery import Celery

            return Celery(url, note)
    raise ModuleNotFoundError(name)
