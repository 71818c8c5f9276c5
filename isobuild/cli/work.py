"""The loop that builds, for supervisord and systemd.

The handlers come first and the imports later, as for a runner: what a signal says is heard from the beginning.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from isobuild.runner.bell import Bell

if TYPE_CHECKING:
    from isobuild.runner.run import Runner


def work(
    *,
    queues: str,
    until_empty: bool,
    wait: bool,
    max_builds: int | None,
    max_memory: int | None,
    sleep: float,
    attempts: int | None,
) -> None:
    """Build what is ordered, one after the other; `max_memory` in MiB, `sleep` in seconds."""
    bell = Bell(_say)
    bell.listen()
    from isobuild.runner.work import Habits, Loop

    habits = Habits(
        until_empty=until_empty or wait, wait=wait, max_builds=max_builds, max_memory=max_memory and max_memory << 20,
        sleep=sleep, attempts=attempts,
    )  # fmt: skip
    Loop(partial(_load, queues.replace(",", " ").split(), bell), habits, bell, _say).work()


def _load(queues: Sequence[str], bell: Bell) -> "Runner":
    """What carries builds, by the settings as they are now. Raises InvalidSetting, UnknownQueue, DatabaseDown."""
    from isobuild import site
    from isobuild.config import load
    from isobuild.domain.queues import check

    settings = load()
    for queue in queues:
        check(queue, settings.queues)
    site.prepare(settings)
    runner = site.runner(settings)
    return replace(
        runner, interrupt=bell.interrupt, host=replace(runner.host, queues=tuple(queues) or runner.host.queues)
    )


def _say(text: str) -> None:
    # not by print: a signal's handler says something too, and would find it half way through another line
    with suppress(OSError):  # nobody reads it any more; the builds go on
        os.write(1, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n".encode())
