"""Redis of one's own, for the time of a measurement."""

import shutil
import subprocess
import time
from pathlib import Path

PATIENCE = 60.0  # seconds for a start on a loaded machine


class Redis:
    """redis-server on a folder, reached by a socket there, gone with the process that started it.

    Each command goes to its append-only file, which it hands to the disk each second: its own default, and less than
    the databases promise. Raises FileNotFoundError when it isn't installed.
    """

    def __init__(self, folder: Path) -> None:
        program = self.find()
        self.socket = folder / "socket"
        self.log = folder / "log"
        options = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder)]
        options += ["--appendonly", "yes", "--save", ""]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait()

    @classmethod
    def find(cls) -> Path:
        """Its program; raises FileNotFoundError."""
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("redis-server")
        return Path(program)

    def url(self, number: int) -> str:
        """The URL of one of its sixteen databases, as celery takes it."""
        return f"redis+socket://{self.socket}?virtual_host={number}"

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.02)
