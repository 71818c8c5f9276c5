"""How the tests call run_as_user.sh and watch what becomes of the processes it starts."""

import os
import pwd
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO

REPO = Path(__file__).parents[2]
SCRIPT = REPO / "scripts" / "run_as_user.sh"
SUDOERS = REPO / "deploy" / "sudoers.d" / "isobuild"


@dataclass
class Run:
    """A call of the script; `process.stdin` is the leash."""

    process: subprocess.Popen[bytes]
    outputs: tuple[IO[bytes], IO[bytes]]

    def wait(self) -> int:
        """The exit status, with the leash held until then."""
        return self.process.wait(60)

    def texts(self) -> tuple[str, str]:
        """What was written to stdout and stderr up to now."""
        out, err = (Path(f"/proc/self/fd/{output.fileno()}").read_text() for output in self.outputs)
        return out, err


@dataclass
class Caller:
    """Somebody who calls the script, and whom it then runs builds as."""

    argv: tuple[str, ...]
    user: pwd.struct_passwd
    builder: pwd.struct_passwd
    root: Path
    build_users: str
    config: Path | None = None
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def workspace(self) -> Path:
        """A new workspace with inputs, as the service makes it."""
        folder = self.root / str(next(self.numbers))
        for each in (folder, folder / "in"):
            each.mkdir()
            each.chmod(0o755)
            self.own(each)
        return folder

    def write(self, path: Path, text: str, mode: int = 0o644) -> Path:
        """A file of the caller's."""
        path.write_text(text)
        path.chmod(mode)
        return self.own(path)

    def own(self, path: Path) -> Path:
        """`path` itself, now the caller's."""
        if os.geteuid() == 0:
            os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        return path

    def run(self, workspace: Path, *command: str, options: tuple[object, ...] = ()) -> Run:
        """`command`, as a build's step in `workspace`."""
        return self.call("run", self.builder.pw_name, workspace, *options, "--", *command)

    def call(self, *args: object, before: tuple[str, ...] = ()) -> Run:
        """The script with `args`, as the child of `before` if that is given."""
        outputs = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        other = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.Popen(
            [*before, *self.argv, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=outputs[0],
            stderr=outputs[1],
            env={"PATH": os.environ["PATH"], "TERM": "dumb", "EVIL": "1", **self.rules},
            cwd="/",
            **other,  # type: ignore[call-overload]
        )
        return Run(process, outputs)

    @property
    def without_namespaces(self) -> tuple[str, ...]:
        """What comes before the script where the kernel is to refuse it namespaces."""
        ids = (f"--map-user={self.user.pw_uid}", f"--map-group={self.user.pw_gid}")
        shut = 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"'
        return ("unshare", "--user", *ids, "--keep-caps", "sh", "-c", shut, "sh")

    @property
    def rules(self) -> dict[str, str]:
        """What the caller's environment says may be done; sudo must not believe it."""
        root = self.root if self.config is None else "/"
        return {"ISOBUILD_BUILD_USERS": self.build_users, "ISOBUILD_WORK_ROOT": str(root)}


class Sleeper:
    """A command that can be told from all others of this machine: a sleep of an hour and a random part of a second."""

    def __init__(self) -> None:
        self.duration = f"3600.{secrets.randbelow(10**12):012}"

    def __str__(self) -> str:
        return f"sleep {self.duration}"

    @property
    def pids(self) -> list[int]:
        """The processes that are asleep, in whatever namespace and of whatever user."""
        return [pid for pid, argv in processes() if argv == ["sleep", self.duration]]


def processes() -> list[tuple[int, list[str]]]:
    """Process id and argv of every process there is."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.append((int(folder.name), argv))
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits until `condition` holds; fails with `what` after half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)
