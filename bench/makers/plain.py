"""The plain commands: mmdebstrap, mksquashfs, grub-mkrescue, one after the other, as root."""

import os
from pathlib import Path

import sh

from bench.makers.order import CONSOLES, LIVE, PACKAGES, Mirrors

HOSTNAME = "plain"
MENU = f"""\
serial --unit=0 --speed=115200
terminal_output console serial
set timeout=2
menuentry "Debian" {{
  linux /live/vmlinuz boot=live components quiet {CONSOLES}
  initrd /live/initrd.img
}}
"""


def build(folder: Path, mirrors: Mirrors) -> Path:
    """The ISO, packed with zstd as quickly as the others."""
    tree, medium = folder / "tree", folder / "medium"
    (medium / "live").mkdir(parents=True)
    (medium / "boot/grub").mkdir(parents=True)
    (folder / "debian.sources").write_text(mirrors.sources)
    env = os.environ | {"LC_ALL": "C.UTF-8"}
    sh.Command("mmdebstrap")(
        "--variant=minbase", f"--include={','.join([*LIVE, *PACKAGES])}",
        f"--customize-hook=echo {HOSTNAME} >\"$1/etc/hostname\"", mirrors.suite, tree, folder / "debian.sources",
        _env=env,
    )  # fmt: skip
    squashfs = medium / "live/filesystem.squashfs"
    sh.Command("mksquashfs")(tree, squashfs, "-comp", "zstd", "-Xcompression-level", "3", "-b", "1M", "-noappend")
    for kind in ("vmlinuz", "initrd.img"):
        (kernel,) = (tree / "boot").glob(f"{kind}-*")
        (medium / "live" / kind).write_bytes(kernel.read_bytes())
    (medium / "boot/grub/grub.cfg").write_text(MENU)
    iso = folder / "plain.iso"
    sh.Command("grub-mkrescue")("-o", iso, medium, _env=env)
    return iso
