"""The one door through which a build's commands go: `run_as_user.sh`, run by the `sh` library.

It settles once who a command runs as, its environment, its limits, its input, where its output goes, and that it
ends when the runner does: the runner holds the other end of the script's stdin, the leash.
"""

import math
import os
import pwd
from codecs import getincrementaldecoder
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from isobuild.errors import HostFault

ANY_STATUS = list(range(-64, 256))
USAGE, REFUSED, TIMED_OUT = 2, 77, 124  # what run_as_user.sh itself says
Hear = Callable[[str, str], None]  # the stream, "out" or "err", and what came


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one build may use; the sizes in bytes. After `soft` seconds, if any, it is asked to end."""

    seconds: float
    soft: float | None = None
    memory: int
    processes: int
    file_size: int

    def arguments(self) -> list[str]:
        """As run_as_user.sh takes them."""
        return [
            *("--time", str(max(1, round(self.seconds)))),
            *(("--soft", str(max(1, math.ceil(self.soft)))) if self.soft is not None else ()),
            *("--memory", str(self.memory)),
            *("--processes", str(self.processes)),
            *("--file-size", str(self.file_size)),
        ]


class Stream:
    """An output of a command: what comes through `end` is heard at once, not when a buffer is full, as `sh` does it."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._outer, inner = os.pipe()
        self.end = os.fdopen(inner, "wb")
        self._thread = Thread(target=self._listen, daemon=True)

    def listen(self) -> None:
        """Hear from now on; the command has its own copy of `end` by now."""
        self.end.close()
        self._thread.start()

    def join(self) -> None:
        """Wait until the last word was heard."""
        self._thread.join()

    def _listen(self) -> None:
        decoder = getincrementaldecoder("utf-8")("replace")
        while chunk := os.read(self._outer, 1 << 16):
            self._hear(decoder.decode(chunk))
        os.close(self._outer)


class Running:
    """A command at work behind the door."""

    def __init__(self, process: Any, leash: int, streams: list["Stream"]) -> None:
        self._process = process
        self._streams = streams
        self._leash: int | None = leash
        self._status = 0
        self._ended = Event()
        Thread(target=self._attend, daemon=True).start()

    def _attend(self) -> None:
        # a thread of our own: `sh` itself looks for the end only once a second
        status: int = self._process.wait().exit_code
        self._status = 128 - status if status < 0 else status
        for stream in self._streams:
            stream.join()
        self._ended.set()

    def wait(self, seconds: float) -> int | None:
        """Its exit status (128 and the signal's number if one ended it), or None if it still runs after `seconds`."""
        if not self._ended.wait(seconds):
            return None
        self.release()
        return self._status

    def release(self) -> None:
        """Let go of the leash: if the command still runs, everything it started dies, and the workspace goes."""
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None


class Door:
    """Runs commands as a build user.

    `script` is run_as_user.sh, with `sudo` in front where isobuild is not root but may call it so.
    """

    def __init__(self, script: Path, users: tuple[str, ...], root: Path, sudo: bool) -> None:
        self.script = script
        self.users = users
        self.root = root
        self.sudo = sudo

    def user(self, slot: int) -> str:
        """Who the builds of a slot run as: without root rights that's the present user."""
        if os.geteuid() and not self.sudo:
            return pwd.getpwuid(os.geteuid()).pw_name
        return self.users[slot % len(self.users)]

    def run(self, user: str, workspace: Path, options: list[str], argv: tuple[str, ...], hear: Hear) -> Running:
        """Start a command in a build's workspace. Raises HostFault if the script itself can't be started."""
        import sh  # here and below: not for an idle tick

        inner, leash = os.pipe()
        streams = [Stream(partial(hear, name)) for name in ("out", "err")]
        try:
            with os.fdopen(inner, "rb") as stdin:
                process = self._command()(
                    "run", user, str(workspace), *options, "--", *argv,
                    _in=stdin, _out=streams[0].end, _err=streams[1].end, _tty_out=False, _bg=True, _bg_exc=False,
                    _new_session=True, _env=self._environment(), _ok_code=ANY_STATUS,
                )  # fmt: skip
        except (sh.CommandNotFound, OSError) as error:
            os.close(leash)
            raise HostFault(what=f"{self.script} can't be started: {error}") from error
        finally:
            for stream in streams:
                stream.listen()
        return Running(process, leash, streams)

    def remove(self, workspace: Path) -> None:
        """Remove a workspace, whoever owns the files in it. Raises HostFault."""
        import sh

        try:
            self._command()("remove", str(workspace), _env=self._environment(), _tty_out=False)
        except sh.ErrorReturnCode as error:
            raise HostFault(what=error.stderr.decode(errors="replace").strip()) from error
        except (sh.CommandNotFound, OSError) as error:
            raise HostFault(what=f"{self.script} can't be started: {error}") from error

    def _command(self) -> Any:
        import sh

        if self.sudo:
            return sh.Command("sudo").bake("-n", str(self.script))
        return sh.Command(str(self.script))

    def _environment(self) -> dict[str, str]:
        # without SUDO_…: a root who came by sudo is root, not a service that was let through
        path = "/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "ISOBUILD_BUILD_USERS": " ".join(self.users), "ISOBUILD_WORK_ROOT": str(self.root)}
