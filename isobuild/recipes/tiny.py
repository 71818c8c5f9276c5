"""The smallest ISO that boots: a kernel, busybox and GRUB, in a few seconds."""

from typing import Annotated, ClassVar

from pydantic import Field

from isobuild.image import boot, fetch, packages
from isobuild.image.apt import ARCHITECTURE, release_of, sources_for
from isobuild.image.burn import burn
from isobuild.image.fields import Hostname, Line, Mirror, Suite, Unset
from isobuild.image.snapshot import Layer
from isobuild.image.step import Place, Plan, Proof, Step
from isobuild.recipes.base import Options, Recipe

KERNEL = (f"linux-image-cloud-{ARCHITECTURE}", "busybox-static")
PROVIDED = ("kmod", "linux-base (= 99)", "linux-initramfs-tool")
FOLDERS = ("bin", "dev", "etc", "proc", "root", "sbin", "sys", "tmp", "usr", "usr/bin", "usr/sbin")
SETTINGS = ("hostname", "inittab", "issue", "passwd")
INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
hostname -F /etc/hostname
exec /sbin/init
"""
INITTAB = """\
tty1::respawn:/sbin/getty 38400 tty1
ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
::ctrlaltdel:/sbin/reboot
"""


class TinyOptions(Options):
    """What may be chosen about the smallest ISO."""

    suite: Annotated[Suite | None, Unset] = Field(None, description="the release of Debian; by default this server's")
    mirror: Annotated[Mirror | None, Unset] = Field(None, description="the Debian mirror; by default this server's")
    hostname: Hostname = Field("tiny", description="the name the machine gives itself, as in its login prompt")
    title: Line = Field("Tiny Linux", description="the line of the boot menu")
    message: Line = Field("This is a tiny Linux: log in as root.", description="what stands above the login prompt")


class Tiny(Recipe):
    """A kernel, and busybox as all there is in memory; root logs in without a password."""

    name: ClassVar[str] = "tiny"
    title: ClassVar[str] = "Tiny: kernel and busybox, the smallest ISO that boots"
    version: ClassVar[int] = 2
    Options: ClassVar[type[Options]] = TinyOptions

    def plan(self, options: TinyOptions, place: Place) -> Plan:
        """Fetch two packages, pack busybox as the first file system, burn."""
        needed = place.packages
        seal = boot.seal(self.name, self.version, place.epoch, needed, options.model_dump_json())
        tree = place.work / "tree"
        files = {
            **packages.files(),
            **fetch.files(place, needed),
            **boot.files(seal, boot.Entry(options.title, "quiet")),
            **_system(options),
        }
        contents = {
            **boot.contents(place, seal),
            "/live/vmlinuz": place.work / "vmlinuz",
            "/live/initrd.img": place.work / "initrd.gz",
        }
        steps = (
            *fetch.fetch(place, needed),
            *packages.unpack(place, tree),
            Step("kernel", _find(tree, "*/vmlinuz*", "cp", "{}", f"{place.work / 'vmlinuz'}"), weight=0.1),
            *_initrd(place),
            *boot.records(place),
            burn(place, options.hostname, seal, contents, weight=0.3),
        )
        return Plan(files, steps, Proof(seconds=120, memory=256), packages=needed)

    def layers(self, options: TinyOptions, apt: str) -> tuple[Layer, ...]:
        """A kernel, without what makes it one of a whole system, and busybox."""
        return (Layer("kernel", KERNEL, self.sources(options, apt), provided=PROVIDED),)

    def sources(self, options: TinyOptions, apt: str) -> str:
        """The host's own, or the release and mirror that were chosen."""
        return sources_for(apt, options.suite or release_of(apt), options.mirror)


def _system(options: TinyOptions) -> dict[str, str]:
    issue = options.message.replace("\\", "\\\\").replace("%", "\\%")
    names = sorted([".", "bin/busybox", "init", *FOLDERS, *(f"etc/{name}" for name in SETTINGS)])
    return {
        "hostname": f"{options.hostname}\n",
        "init": INIT,
        "inittab": INITTAB,
        "issue": f"{issue}\n",
        "passwd": "root::0:0:root:/root:/bin/sh\n",
        "initrd.list": "".join(f"{name}\n" for name in names),
    }


def _initrd(place: Place) -> tuple[Step, ...]:
    tree, root, initrd = place.work / "tree", place.work / "root", f"{place.work / 'initrd'}"
    folders = (f"{root / folder}" for folder in FOLDERS)
    settings = (f"{place.inputs / name}" for name in SETTINGS)
    cpio = ("cpio", "--quiet", "-o", "-H", "newc", "--reproducible", "-R", "0:0", "-D", f"{root}", "-O", initrd)
    commands = (
        ("install", "-d", "-m", "755", f"{root}", *folders),
        _find(tree, "*/bin/busybox", "install", "-m", "755", "{}", f"{root / 'bin'}"),
        ("install", "-m", "755", f"{place.inputs / 'init'}", f"{root}"),
        ("install", "-m", "644", "-t", f"{root / 'etc'}", *settings),
        ("find", f"{root}", "-exec", "touch", "-h", "-d", f"@{place.epoch}", "{}", "+"),
    )
    return (
        *(Step("initrd", command, weight=0.02) for command in commands),
        Step("initrd", cpio, weight=0.02, stdin=place.inputs / "initrd.list"),
        Step("initrd", ("gzip", "-9", "-n", "-f", initrd), weight=0.2),
    )


def _find(tree: object, path: str, *command: str) -> tuple[str, ...]:
    return ("find", f"{tree}", "-path", path, "-type", "f", "-exec", *command, ";")
