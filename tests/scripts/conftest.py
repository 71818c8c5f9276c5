"""The three who call run_as_user.sh, each for real: root, the service through sudo, and an ordinary user."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from .leash import SCRIPT, SUDOERS, Caller

ROOT = os.geteuid() == 0
PRESENT = pwd.getpwuid(os.geteuid())


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every user can pass through, as pytest's own are not; it is root's, or the present user's."""
    folder = Path(tempfile.mkdtemp(prefix="isobuild-test-"))
    folder.chmod(0o755)
    (folder / "run.sh").write_text(SCRIPT.read_text())
    (folder / "run.sh").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def account() -> Iterator[Callable[[], pwd.struct_passwd]]:
    """Makes throwaway users with sub-uids; a test that needs one is skipped where we are not root."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_account())


@contextmanager
def _account() -> Iterator[pwd.struct_passwd]:
    if not ROOT:
        pytest.skip("needs root, to make a user")
    name = f"isobuild-{secrets.token_hex(4)}"
    subprocess.run(["useradd", "--system", "--add-subids-for-system", "--no-create-home", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run(["userdel", name], check=True)


@pytest.fixture(scope="session")
def builder(account: Callable[[], pwd.struct_passwd]) -> pwd.struct_passwd:
    """A build user."""
    return account()


@pytest.fixture(scope="session")
def by_root(open_folder: Path, builder: pwd.struct_passwd) -> Caller:
    """Called by root itself, with what may be done in the environment."""
    root = _work_root(open_folder / "root", PRESENT)
    return Caller((str(open_folder / "run.sh"),), PRESENT, builder, root, build_users=builder.pw_name)


@pytest.fixture(scope="session")
def by_sudo(
    open_folder: Path,
    account: Callable[[], pwd.struct_passwd],
    builder: pwd.struct_passwd,
    needed: Callable[[str], str],
) -> Iterator[Caller]:
    """Called through sudo by a service user, under the shipped rule; only the names in it are the test's."""
    service = account()
    script, config = open_folder / "sudo" / "run.sh", open_folder / "sudo" / "run_as_user.conf"
    root = _work_root(open_folder / "sudo" / "work", service)
    script.write_text(SCRIPT.read_text().replace("/etc/isobuild/run_as_user.conf", str(config)))
    script.chmod(0o755)
    config.write_text(f"# a comment\n\nusers = {builder.pw_name} {service.pw_name} root nobody-known\nroot = {root}\n")
    config.chmod(0o644)
    rule = SUDOERS.read_text().replace("/usr/lib/isobuild/run_as_user.sh", str(script))
    with _sudoers(rule.replace("isobuild ALL", f"{service.pw_name} ALL"), service.pw_name):
        yield Caller((needed("sudo"), "-n", str(script)), service, builder, root, build_users="ignored", config=config)


@contextmanager
def _sudoers(rule: str, name: str) -> Iterator[None]:
    file = Path("/etc/sudoers.d") / name
    file.touch(mode=0o440)
    try:
        file.write_text(rule)
        yield
    finally:
        file.unlink()


@pytest.fixture(scope="session")
def by_user(request: pytest.FixtureRequest, open_folder: Path) -> Caller:
    """Called by an ordinary user with no more rights than their own: the present one, or a throwaway one."""
    user: pwd.struct_passwd = request.getfixturevalue("builder") if ROOT else PRESENT
    return Caller((str(open_folder / "run.sh"),), user, user, _work_root(open_folder / "user", user), build_users="")


@pytest.fixture(params=["root", "sudo", "user"])
def caller(request: pytest.FixtureRequest) -> Caller:
    """Each of the three in turn."""
    found: Caller = request.getfixturevalue(f"by_{request.param}")
    return found


def _work_root(folder: Path, owner: pwd.struct_passwd) -> Path:
    folder.mkdir(parents=True)
    if ROOT:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder
