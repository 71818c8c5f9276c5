"""One build, from a launcher's call to its end, whatever signal comes meanwhile.

The handlers come first and the imports later: a signal that met neither would cost the build an attempt.
"""

import os
import select
import signal
import sys
from dataclasses import replace
from pathlib import Path

from isobuild.errors import BadInput
from isobuild.runner.interrupt import Interrupt


def run(build: int | None) -> None:
    """Carry a build to its end, or give it back on SIGTERM, SIGINT and SIGHUP.

    What became of it is in the database: the exit code tells of the runner alone.
    """
    interrupt = Interrupt()
    give_back_on_signals(interrupt)
    token = os.environ.pop("ISOBUILD_TOKEN", "")
    from isobuild import site
    from isobuild.config import load

    settings = load()
    runner = replace(site.runner(settings), interrupt=interrupt)
    if build is None:
        runner.warm_up()
        ordered = _hear(interrupt)
        if not ordered:  # whoever kept this spare has ended, or it is to end itself
            return
        build, token = int(ordered[0]), ordered[1]
        _print_to(settings.logs / f"{build}.runner")
    if not token:
        raise BadInput(field="ISOBUILD_TOKEN", given="", allowed="the token of the build, as the launcher passes it")
    runner.run(build, token)


def give_back_on_signals(interrupt: Interrupt) -> None:
    """Let SIGTERM, SIGINT and SIGHUP give the build in hand back; under nohup the last is nothing."""

    def ask(number: int, _: object) -> None:
        interrupt.ask("release", f"given back: its runner was told to end ({signal.Signals(number).name})")

    hang_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    for number in (signal.SIGTERM, signal.SIGINT, *hang_up):
        signal.signal(number, ask)


def _hear(interrupt: Interrupt) -> list[str]:
    """The build and token that the keeper of this spare says; nothing if it ends, or a signal comes, before that."""
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    ready, _, _ = select.select([sys.stdin, awake], [], [], 0 if interrupt.stopped else None)
    signal.set_wakeup_fd(-1)
    os.close(awake)
    os.close(wake)
    if sys.stdin in ready:
        return sys.stdin.readline().split()
    os.close(sys.stdin.fileno())  # what the keeper says from now on must go to another
    return []


def _print_to(log: Path) -> None:
    with log.open("ab") as opened, Path(os.devnull).open("rb") as nothing:
        for target, end in ((nothing, sys.stdin), (opened, sys.stdout), (opened, sys.stderr)):
            os.dup2(target.fileno(), end.fileno())
