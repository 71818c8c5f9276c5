"""Runners as processes of this host."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        """Start the runner as a session of its own. Raises LaunchFailed."""
        import sh  # not for an idle tick

        program, *arguments = self.command
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            with Path(os.devnull).open("rb") as nothing, (self.logs / f"{build}.runner").open("ab") as log:
                sh.Command(program)(
                    *arguments, "run", str(build), _env=self.env | {"ISOBUILD_TOKEN": token},
                    _bg=True, _bg_exc=False, _new_session=True, _in=nothing, _out=log, _err=log, _tty_out=False,
                )  # fmt: skip
        except sh.CommandNotFound as error:
            raise LaunchFailed(what=f"there is no command {program}") from error
        except (OSError, sh.ForkException) as error:
            raise LaunchFailed(what=str(error)) from error
