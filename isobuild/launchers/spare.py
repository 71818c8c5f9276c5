"""A runner kept ready: it has started, read its settings and loaded its modules, and waits to hear which build.

What a person waits for after an order is mostly Python loading modules; a daemon can do that beforehand.
"""

import contextlib
import os

from isobuild.errors import LaunchFailed
from isobuild.launchers.local import LocalLauncher


class SpareLauncher:
    """Hands a build to the spare runner, and starts the next spare; without one, a runner is started from cold.

    Number and token go through a pipe, the spare's stdin. Until then the pipe is its leash: it ends with us.
    """

    def __init__(self, cold: LocalLauncher) -> None:
        self.cold = cold
        self._pipe: int | None = None

    def prepare(self) -> None:
        """Start a spare, if there is none."""
        if self._pipe is not None:
            return
        inner, self._pipe = os.pipe()
        with os.fdopen(inner, "rb") as stdin:
            try:
                self.cold.start(["run"], "spare.runner", stdin, {})
            except LaunchFailed:  # a launch will meet the same fault, and say so for a build
                self.close()

    def launch(self, build: int, token: str) -> None:
        """Start the runner of a build. Raises LaunchFailed."""
        if not self._hand(f"{build} {token}\n"):
            self.cold.launch(build, token)
        self.close()
        self.prepare()

    def close(self) -> None:
        """Let a spare that waits end."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _hand(self, order: str) -> bool:
        with contextlib.suppress(BrokenPipeError):
            return self._pipe is not None and os.write(self._pipe, order.encode()) > 0
        return False
