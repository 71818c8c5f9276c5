"""What a process asks of the build that it carries itself: its signal handlers say so here."""

from isobuild.errors import Stopped


class Interrupt:
    """Whether the build in hand is to stop, and any that comes after it. A signal handler may ask, at any moment."""

    def __init__(self) -> None:
        self.stopped: Stopped | None = None

    def ask(self, stop: str, why: str) -> None:
        """Stop it: "cancel" or "release", as builds.stop has it. What was asked first counts."""
        if self.stopped is None:
            self.stopped = Stopped(asked=stop, why=why)
