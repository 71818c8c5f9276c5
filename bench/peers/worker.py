"""One worker of a peer, in a process of its own."""

import os
import select
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds for a start, a job or an end on a loaded machine
MOMENT = struct.Struct("d")


class Worker:
    """The worker, which tells through a pipe when a job is entered; what it prints goes to FOLDER/NAME.log."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.pipe, end = os.pipe()
        command = [sys.executable, "-m", "bench.peers", name, url, str(folder), str(end)]
        with self.log.open("ab") as log, os.fdopen(end, "wb"):
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *command], pass_fds=[end], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def entered(self) -> float:
        """Wait for a job to be entered; the moment, in seconds of the monotonic clock. Raises RuntimeError."""
        ready, _, _ = select.select([self.pipe], [], [], PATIENCE)
        told = os.read(self.pipe, MOMENT.size) if ready else b""
        if len(told) != MOMENT.size:
            raise RuntimeError(f"{self.name} entered no job: {self.log.read_text(errors='replace')[-2000:]}")
        moment: float = MOMENT.unpack(told)[0]
        return moment

    def close(self) -> None:
        """End it; as a crash would, if it takes too long."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.pipe)
