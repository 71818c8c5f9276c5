"""Runners as processes of this host."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from isobuild.errors import LaunchFailed


class LocalLauncher:
    """Starts `isobuild run BUILD`, which outlives a crontab's tick and a daemon's restart.

    `command` is how isobuild is started, `logs` the folder that what the runner itself prints goes to. The token
    travels in the environment, which nobody but the same user and root can read.
    """

    def __init__(self, command: Sequence[str], logs: Path, env: Mapping[str, str] | None = None) -> None:
        self.command = tuple(command)
        self.logs = logs
        self.env = dict(os.environ if env is None else env)

    def launch(self, build: int, token: str) -> None:
        """Start the runner of a build. Raises LaunchFailed."""
        with Path(os.devnull).open("rb") as nothing:
            self.start(["run", str(build)], f"{build}.runner", nothing, {"ISOBUILD_TOKEN": token})

    def call_hooks(self) -> None:
        """Start what tells the site's hooks. Raises LaunchFailed."""
        with Path(os.devnull).open("rb") as nothing:
            self.start(["hooks"], "hooks.log", nothing, {})

    def look_for_updates(self) -> None:
        """Start what looks for newer packages of ready ISOs. Raises LaunchFailed."""
        with Path(os.devnull).open("rb") as nothing:
            self.start(["updates", "--due"], "updates.log", nothing, {})

    def start(self, arguments: Sequence[str], log: str, stdin: BinaryIO, env: Mapping[str, str]) -> None:
        """Start `isobuild ARGUMENTS` as a session of its own; it prints to LOGS/`log`. Raises LaunchFailed."""
        import sh  # not for an idle tick

        program, *before = self.command
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            with (self.logs / log).open("ab") as printed:
                sh.Command(program)(
                    *before, *arguments, _env={**self.env, **env},
                    _bg=True, _bg_exc=False, _new_session=True, _in=stdin, _out=printed, _err=printed, _tty_out=False,
                )  # fmt: skip
        except sh.CommandNotFound as error:
            raise LaunchFailed(what=f"there is no command {program}") from error
        except (OSError, sh.ForkException) as error:
            raise LaunchFailed(what=str(error)) from error
