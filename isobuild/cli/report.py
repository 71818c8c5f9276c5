"""The report of a script that ends later or elsewhere: seed 0's callback, with the build's token."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from isobuild import nudge, site
from isobuild.cli import say
from isobuild.config import Settings, load
from isobuild.db import Database
from isobuild.domain import builds
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState, Cause
from isobuild.errors import BadInput, LostBuild, NotFound, ReportRefused
from isobuild.runner.log import Log
from isobuild.runner.publish import Publisher
from isobuild.trust import keys

CAUSES = (Cause.REQUEST, Cause.UPSTREAM, Cause.HOST)


def report(build: int, what: str, details: list[str], *, cause: str, token_file: str) -> None:
    """Tell a build's progress or end. Raises ReportRefused for a report that is late, repeated or not the build's."""
    said: dict[str, Callable[[Database, Settings, int, str, list[str], str], str]] = {
        "progress": _progress,
        "done": _done,
        "failed": _failed,
    }
    if what not in said:
        raise BadInput(field="WHAT", given=what, allowed=", ".join(said))
    token = _token(token_file)
    settings = load()
    db = site.database(settings)
    say.words(said[what](db, settings, build, token, details, cause))
    if what != "progress":
        nudge.send(settings.nudges)


def _token(token_file: str) -> str:
    if not token_file:
        token = os.environ.get("ISOBUILD_TOKEN", "")
        if not token:
            raise BadInput(field="token-file", given="", allowed="a file, or the token in the variable ISOBUILD_TOKEN")
        return token
    try:
        return Path(token_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(field="token-file", given=token_file, allowed=f"a file that can be read ({error})") from error


def _progress(db: Database, _: Settings, build: int, token: str, details: list[str], __: str) -> str:
    percent = _percent(details[0] if details else "")
    step = " ".join(details[1:])[:64] or None
    try:
        db.write(builds.progress, build, token, percent, step)
    except LostBuild as error:
        raise ReportRefused(why=error.facts["why"]) from error
    return f"Build {build} is at {percent:g}%."


def _percent(given: str) -> float:
    try:
        percent = float(given.removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise BadInput(field="PERCENT", given=given, allowed="a number from 0 to 100")
    return percent


def _done(db: Database, settings: Settings, build: int, token: str, details: list[str], _: str) -> str:
    if len(details) != 1:
        raise BadInput(field="FILE", given=" ".join(details), allowed="the one finished ISO")
    with db.read() as session:
        builds.check_token(session, build, token)
        task, row = builds.task_of(session, build), builds.get(session, build)
    log = Log(settings.logs / f"{build}.log", settings.log_size)
    key, seed = keys.find(settings.signing), settings.web_seed(task.id)
    publisher = Publisher(site.store(settings), row, task, log, tell=lambda _: None, key=key, web_seed=seed)
    try:
        with Path(details[0]).open("rb") as file:
            files = publisher.seal(publisher.put_iso(file))
    except FileNotFoundError as error:
        raise NotFound(what="file", given=details[0], hint="Name the finished ISO.") from error
    except OSError as error:
        raise BadInput(field="FILE", given=details[0], allowed=f"a file that can be read ({error.strerror})") from error
    db.write(builds.finish, build, token, End(state=BuildState.SUCCEEDED, files=files), datetime.now(UTC))
    return f"Build {build} is done, and its task is ready."


def _failed(db: Database, _: Settings, build: int, token: str, details: list[str], cause: str) -> str:
    if cause not in CAUSES:
        raise BadInput(field="cause", given=cause, allowed=", ".join(CAUSES))
    end = End(state=BuildState.FAILED, cause=Cause(cause), error=" ".join(details) or "reported as failed")
    db.write(builds.finish, build, token, end, datetime.now(UTC))
    return f"Build {build} has failed."
