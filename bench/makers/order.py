"""The system that all makers make: Debian's kernel, live-boot and sixteen packages, for the console."""

import re
from dataclasses import dataclass

from isobuild.image import apt

PACKAGES = [
    *("nano", "htop", "curl", "wget", "rsync", "openssh-server", "nginx-light", "git", "tmux", "vim-tiny", "less"),
    *("iproute2", "iputils-ping", "python3", "ca-certificates", "tree"),
]
LIVE = [
    *("linux-image-amd64", "live-boot", "live-config", "live-config-systemd", "systemd-sysv", "user-setup", "sudo"),
    *("dbus", "systemd-resolved", "tzdata", "keyboard-configuration", "console-setup", "zstd"),
]
CONSOLES = "console=tty0 console=ttyS0,115200"


@dataclass(frozen=True)
class Mirrors:
    """Where Debian's packages come from here."""

    suite: str
    sources: str
    main: str
    security: str

    @classmethod
    def of_host(cls) -> "Mirrors":
        """The host's own."""
        host = apt.read_host()
        suite = apt.release_of(host)
        sources = apt.sources_for(host, suite)
        found = {name: uri for uri, name in apt.archives(sources)}
        return cls(suite, sources, found[suite], found.get(f"{suite}-security", ""))


def login(hostname: str) -> str:
    """What the serial console shows when the system is up."""
    return rf"^{re.escape(hostname)} login: *$"
