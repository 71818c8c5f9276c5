"""The queue: its cost as it grows, beside other queues, and until a build's first process."""

from bench import beside, first, growth


def run() -> None:
    """Print all of its tables."""
    growth.run()
    beside.run()
    first.run()
