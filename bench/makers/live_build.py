"""Debian's live-build, as its manual has it; it wants to be root."""

import os
import shutil
from pathlib import Path

import sh

from bench.makers.order import CONSOLES, PACKAGES, Mirrors

BOOTLOADERS = Path("/usr/share/live/build/bootloaders")
HOSTNAME = "debian"


def configure(folder: Path, mirrors: Mirrors, tuned: bool) -> None:
    """`lb config`: its defaults but for what makes the same system; `tuned`: zstd, as quick as isobuild's."""
    folder.mkdir(parents=True, exist_ok=True)
    uris = [word for use in ("bootstrap", "binary") for word in (f"--mirror-{use}", mirrors.main)]
    if mirrors.security:
        uris += [word for use in ("chroot", "binary") for word in (f"--mirror-{use}-security", mirrors.security)]
    more = ["--chroot-squashfs-compression-type", "zstd", "--chroot-squashfs-compression-level", "3"] if tuned else []
    _lb(
        folder, "config", "--distribution", mirrors.suite, "--architectures", "amd64", "--archive-areas", "main",
        "--apt-recommends", "false", "--debian-installer", "none", "--memtest", "none", "--firmware-chroot", "false",
        "--bootappend-live", f"boot=live components quiet {CONSOLES}", *uris, *more,
    )  # fmt: skip
    (folder / "config/package-lists/bench.list.chroot").write_text("\n".join([*PACKAGES, "sudo", "user-setup"]) + "\n")
    _let_menus_start(folder)


def build(folder: Path) -> Path:
    """`lb build`; its ISO, the only one there."""
    _lb(folder, "build")
    (iso,) = folder.glob("*.iso")
    return iso


def clean(folder: Path) -> None:
    """What the last build left, but not its caches; it wants to be configured again."""
    _lb(folder, "clean", "--chroot", "--binary", "--stage")


def _lb(folder: Path, *words: str) -> None:
    """Raises sh.ErrorReturnCode; what it said is in `log`."""
    env = os.environ | {"LC_ALL": "C.UTF-8"}
    with (folder / "log").open("a") as log:
        sh.Command("lb")(*words, _cwd=str(folder), _env=env, _out=log, _err_to_out=True)


def _let_menus_start(folder: Path) -> None:
    """Its menus wait for a key, and nobody is there to press it."""
    own = folder / "config" / "bootloaders"
    for name in ("isolinux", "grub-pc"):
        if (BOOTLOADERS / name).exists() and not (own / name).exists():
            shutil.copytree(BOOTLOADERS / name, own / name, symlinks=False, ignore_dangling_symlinks=True)
    for menu in own.glob("isolinux/isolinux.cfg"):
        menu.write_text(menu.read_text().replace("timeout 0", "timeout 20"))
    for menu in own.glob("grub-pc/config.cfg"):
        menu.write_text(f"set timeout=2\n{menu.read_text()}")
