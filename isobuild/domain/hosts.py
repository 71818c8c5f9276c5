"""The machine that ticks, and whether a process of it still lives."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

from isobuild.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that builds: its name in the database, its room, and the queues it serves in their order."""

    name: str
    slots: int = 1
    queues: tuple[str, ...] = ("high", "default", "low")
    lease: timedelta = timedelta(seconds=60)
    instance: str = ""  # of the installation, one for each home
    rules: Rules = field(default_factory=Rules)  # the same on all hosts of a site


@cache
def boot_id() -> str:
    """This boot of this kernel (proc(5), /proc/sys/kernel/random/boot_id)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def process_start(pid: int) -> str | None:
    """When a process of this machine started, as "boot id/clock ticks since boot"; None if it is gone or a zombie.

    proc(5): in /proc/PID/stat, after the command's closing parenthesis, field 3 is the state, field 22 the start.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {b"Z", b"X"} else f"{boot_id()}/{fields[19].decode()}"


def is_alive(pid: int, start: str | None) -> bool:
    """Whether the process of this machine that had this number and this start still lives."""
    now = process_start(pid)
    return now is not None and now == start
