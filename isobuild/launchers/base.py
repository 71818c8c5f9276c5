"""What a launcher is."""

from typing import Protocol


class Launcher(Protocol):
    """Starts runners: on this host, or wherever it knows."""

    def launch(self, build: int, token: str) -> None:
        """Start the runner of a build that has just been flagged busy, hand it its token, and return at once.

        Raises LaunchFailed if it can't be started.
        """
