"""An ISO as live-build, Debian's own, makes them: ISOLINUX and GRUB, one squashfs, checksums."""

import subprocess
from pathlib import Path

from isobuild.image import apt

PACKAGES = "live-boot live-config live-config-systemd systemd-sysv user-setup sudo nano"
OPTIONS = (
    "--debian-installer none --memtest none --apt-recommends false --apt-indices false --firmware-chroot false "
    "--linux-flavours amd64 --chroot-squashfs-compression-type zstd --chroot-squashfs-compression-level 3 --zsync false"
)
MIRRORS = ("bootstrap", "chroot", "binary")


def make(folder: Path) -> Path:
    """The ISO, of the host's release; it takes two minutes or three. Needs root, live-build, and Debian's sources."""
    sources = apt.read_host()
    archives = apt.archives(sources)
    main = archives[0][0]
    security = next((uri for uri, suite in archives if suite.endswith("-security")), main)
    mirrors = [word for name in MIRRORS for word in (f"--mirror-{name}", main)]
    mirrors += [word for name in MIRRORS[1:] for word in (f"--mirror-{name}-security", security)]
    _lb(folder, "config", "--distribution", apt.release_of(sources), *mirrors, *OPTIONS.split())
    lists = folder / "config" / "package-lists"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "tea.list.chroot").write_text(f"{PACKAGES}\n")
    _lb(folder, "build")
    (iso,) = folder.glob("*.iso")
    return iso


def _lb(folder: Path, *arguments: str) -> None:
    with (folder / "lb.log").open("a") as log:
        ran = subprocess.run(["lb", *arguments], cwd=folder, check=False, stdout=log, stderr=log)
    assert ran.returncode == 0, (folder / "lb.log").read_text()[-2000:]
