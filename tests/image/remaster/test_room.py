"""Unpacking an ISO's system: a disk that fills is the machine's fault, a damaged squashfs the order's."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from sites import build_user

from image.media import Pack, pack
from isobuild.image import live, remaster
from isobuild.image.remaster import look
from isobuild.image.room import enter

__all__ = ["build_user", "pack"]
Unpack = Callable[[Path], "subprocess.CompletedProcess[str]"]
SYSTEM = {"var/lib/dpkg/status": "Package: bash\n", "usr/share/big": ""}


@pytest.fixture
def unpack(build_user: str, needed: Callable[[str], str]) -> Iterator[Unpack]:
    """Runs remaster.sh on an ISO, in a MiB of memory, with nothing to be made."""
    needed("newuidmap")
    with tempfile.TemporaryDirectory(prefix="isobuild-unpack-") as folder:
        yield lambda iso: run(Path(folder), iso, build_user)


def run(folder: Path, iso: Path, user: str) -> "subprocess.CompletedProcess[str]":
    folder.chmod(0o755)
    for name in ("in/stages/medium", "work", "out"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o777)
    programs = {"room": (live, "room.sh"), "remaster": (remaster, "remaster.sh")}
    for name, (package, source) in programs.items():
        (folder / "in" / name).write_text(resources.files(package).joinpath(source).read_text())
    target = folder / "x.iso"
    target.write_bytes(iso.read_bytes())
    target.chmod(0o644)
    (at,) = (each.offset for each in look.files(iso) if each.path.endswith(".squashfs"))
    medium = folder / "in" / "stages" / "medium"
    (medium / "layers").write_text(f"{at} /live/filesystem.squashfs\n")
    (medium / "mebibytes").write_text("0\n")
    switch = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--init-groups"]
    command = enter("sh", *(f"{folder / name}" for name in ("in/remaster", "in", "work", "out")), f"{target}")
    env = {"PATH": os.environ["PATH"], "NEED": "1", "MAKE": "", "REMOVE": "", "COMPRESSION": ""}
    return subprocess.run(
        [*(switch if os.geteuid() == 0 else []), *command], env=env, check=False, capture_output=True, text=True
    )


def test_what_has_room_is_unpacked(pack: Pack, unpack: Unpack) -> None:
    done = unpack(pack("tea.iso", {}, {"live/filesystem.squashfs": (SYSTEM, ())}))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_the_machine_s_fault(pack: Pack, unpack: Unpack) -> None:
    done = unpack(pack("tea.iso", {}, {"live/filesystem.squashfs": (SYSTEM | {"usr/share/big": "x" * (3 << 20)}, ())}))
    assert done.returncode == 71, done.stderr
    assert done.stderr == "E: the disk is full: /live/filesystem.squashfs in this ISO could not be unpacked\n"


def test_a_damaged_one_is_the_order_s(pack: Pack, unpack: Unpack) -> None:
    iso = pack("tea.iso", {}, {"live/filesystem.squashfs": (SYSTEM, ())})
    whole = iso.read_bytes()
    iso.write_bytes(whole.replace(b"hsqs", b"tea!"))
    done = unpack(iso)
    assert done.returncode == 65
    assert done.stderr == "E: source: /live/filesystem.squashfs in this ISO is damaged\n"
