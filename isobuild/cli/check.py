"""Looks whether this machine has all it takes; what is missing is named with its mend."""

import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import sh
import typer
from sqlalchemy import func, select

from isobuild import nudge, schema, site
from isobuild.cli import say
from isobuild.config import Settings, load, resource
from isobuild.db import Database
from isobuild.domain.tables import Task
from isobuild.errors import IsobuildError
from isobuild.image import apt, prove
from isobuild.trust import keys

ROOM = 5 << 30  # bytes that a live ISO's build needs, with some to spare
OK, MISSING, NOTE = "ok", "missing", "note"


class Found(NamedTuple):
    """What a look found: `state` is ok, missing, or note for what works but has its cost."""

    what: str
    state: str
    says: str
    mend: str = ""


def check(*, json: bool) -> None:
    """Print what was found. Raises typer.Exit(1) if anything is missing."""
    settings = load()
    found = [each for look in LOOKS for each in look(settings)]
    if json:
        say.value([each._asdict() for each in found])
    else:
        say.table(("", "", "", "MEND"), ((each.state, each.what, each.says, each.mend) for each in found))
    if any(each.state == MISSING for each in found):
        raise typer.Exit(1)


def tools() -> Iterator[tuple[str, str]]:
    """Every program that isobuild runs, with its Debian package: `deploy/packages` is the one list of them."""
    for line in resource("deploy/packages").read_text().splitlines():
        package, mark, programs = line.partition("#")
        if line.startswith("[test]"):
            return
        if mark and package.strip() and not line.startswith("["):
            yield from ((program, package.strip()) for program in programs.split())


def _tools(_: Settings) -> Iterator[Found]:
    missing = [(program, package) for program, package in tools() if not shutil.which(program, path=PATH)]
    for program, package in missing:
        yield Found("tool", MISSING, f"{program} is not installed", f"apt-get install {package}")
    if not missing:
        yield Found("tools", OK, f"all {len(list(tools()))} are installed")


def _home(settings: Settings) -> Iterator[Found]:
    site.prepare(settings)
    if not os.access(settings.home, os.W_OK):
        yield Found("home", MISSING, f"{settings.home} can't be written", f"chown {_me()} {settings.home}")
    else:
        yield Found("home", OK, str(settings.home))


def _space(settings: Settings) -> Iterator[Found]:
    free = shutil.disk_usage(settings.home).free
    says = f"{say.size(free)} free in {settings.home}"
    yield Found("space", OK, says) if free >= ROOM else Found("space", MISSING, says, f"make room for {say.size(ROOM)}")


def _database(settings: Settings) -> Iterator[Found]:
    shown = Database(settings.database_url).engine.url.render_as_string(hide_password=True)
    try:
        db = site.database(settings)
    except IsobuildError as error:
        yield Found("database", MISSING, str(error), "isobuild db upgrade, or mend the setting 'database'")
        return
    yield Found("database", OK, f"{shown} at revision {schema.current(db)}")
    yield from _clock(db)


def _clock(db: Database) -> Iterator[Found]:
    with db.read() as session:
        last = session.scalar(select(func.max(Task.created_at)))
    now = datetime.now(UTC)
    if last and last > now + timedelta(minutes=1):
        yield Found(
            "clock",
            MISSING,
            f"it says {now:%Y-%m-%d %H:%M} UTC, and a task is of {last:%Y-%m-%d %H:%M}",
            "set the clock",
        )
    else:
        yield Found("clock", OK, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _users(settings: Settings) -> Iterator[Found]:
    door = site.door(settings)
    if os.geteuid() and not door.sudo:
        cost = "a build can read and change all that this user can; with build users and sudo it could not"
        yield Found("build user", NOTE, f"builds run as the present user, {_me()}: {cost}", "see docs/install.md")
    elif settings.slots > len(set(settings.build_users)):
        cost = "a build can change the files of another that runs as the same user"
        says = f"{settings.slots} slots share {len(set(settings.build_users))} of them: {cost}"
        yield Found("build users", NOTE, says, "one for each slot: see docs/farm.md")
    for user in dict.fromkeys(door.user(slot) for slot in range(max(1, settings.slots))):
        yield _user(user)


def _user(user: str) -> Found:
    try:
        pwd.getpwnam(user)
    except KeyError:
        mend = f"useradd --system --add-subids-for-system --home-dir /nonexistent --shell /usr/sbin/nologin {user}"
        return Found("build user", MISSING, f"there is no user {user}", mend)
    for file in ("/etc/subuid", "/etc/subgid"):
        path = Path(file)
        if not path.exists() or not any(line.startswith(f"{user}:") for line in path.read_text().splitlines()):
            mend = f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            return Found("build user", MISSING, f"{user} has no range in {file}", mend)
    return Found("build user", OK, user)


def _script(settings: Settings) -> Iterator[Found]:
    door = site.door(settings)
    if not os.access(door.script, os.X_OK):
        yield Found("run_as_user.sh", MISSING, f"{door.script} can't be executed", "see docs/install.md")
        return
    try:
        door.remove(settings.workspaces / "0")  # there never is one: this only goes through the door
    except IsobuildError as error:
        yield Found("run_as_user.sh", MISSING, str(error), "see docs/install.md, 'sudo'")
    else:
        yield Found("run_as_user.sh", OK, f"{'sudo ' if door.sudo else ''}{door.script}")


def _namespaces(_: Settings) -> Iterator[Found]:
    try:
        sh.Command("unshare")("--user", "--map-root-user", "--pid", "--fork", "true", _tty_out=False)
    except (sh.ErrorReturnCode, sh.CommandNotFound):
        mend = "sysctl kernel.unprivileged_userns_clone=1 (and user.max_user_namespaces above 0)"
        yield Found("user namespaces", MISSING, "this kernel does not let users make them", mend)
    else:
        yield Found("user namespaces", OK, "work")


def _mirror(_: Settings) -> Iterator[Found]:
    try:
        yield Found("mirror", OK, f"the host's own sources, {apt.release_of(apt.read_host())}")
    except IsobuildError as error:
        yield Found("mirror", MISSING, str(error), "add Debian's sources to /etc/apt, or give the option 'mirror'")


def _boot_test(settings: Settings) -> Iterator[Found]:
    missing = [package for package, is_there in BOOTING.items() if not is_there()]
    if missing:
        why = "ISOs are booted by BIOS only" if missing == ["ovmf"] else "ISOs are not booted"
        mend = f"apt-get install {' '.join(missing)}"
        yield Found("boot test", NOTE, f"{why}: without {' and '.join(missing)}", mend)
    elif settings.boot_test == "no":
        yield Found("boot test", OK, "only of orders that say so, by the setting 'boot_test'")
    elif not prove.KVM.exists():
        slow = f"there is no {prove.KVM}: a boot takes minutes, not seconds"
        yield Found("boot test", NOTE, slow, "allow this machine to run virtual ones")
    elif not _may_use(prove.KVM, user := site.door(settings).user(0)):
        mend = f"usermod --append --groups kvm {user}"
        yield Found("boot test", NOTE, f"{user} may not use {prove.KVM}: a boot takes minutes, not seconds", mend)
    else:
        yield Found("boot test", OK, "by BIOS and by UEFI")


def _may_use(device: Path, user: str) -> bool:
    try:
        facts, person = device.stat(), pwd.getpwnam(user)
    except (OSError, KeyError):
        return False
    if facts.st_uid == person.pw_uid:
        return facts.st_mode & 0o600 == 0o600
    if facts.st_gid in os.getgrouplist(user, person.pw_gid):
        return facts.st_mode & 0o060 == 0o060
    return facts.st_mode & 0o006 == 0o006


def _key(settings: Settings) -> Iterator[Found]:
    try:
        key = keys.find(settings.signing)
        if key:
            key.sign(b"")
            yield Found("key", OK, f"ISOs are signed by {key.fingerprint}")
        else:
            yield Found("key", NOTE, "ISOs are not signed", "isobuild key")
    except IsobuildError as error:
        yield Found("key", MISSING, str(error), "see docs/trust.md")


def _ticks(settings: Settings) -> Iterator[Found]:
    if nudge.send(settings.nudges):
        yield Found("ticks", OK, "a daemon listens")
    else:
        yield Found("ticks", NOTE, "no daemon of this home listens", "isobuild up, or a line of crontab.example")


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


BOOTING: dict[str, Callable[[], object]] = {
    "qemu-system-x86": lambda: shutil.which("qemu-system-x86_64", path=PATH),
    "ovmf": (prove.OVMF / "OVMF_VARS_4M.fd").exists,
}
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # as builds have it
LOOKS: tuple[Callable[[Settings], Iterator[Found]], ...] = (
    _home, _space, _database, _tools, _users, _script, _namespaces, _mirror, _boot_test, _key, _ticks,
)  # fmt: skip
