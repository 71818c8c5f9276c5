"""The files beside an ISO: each has a kind, and the ISO's name with the kind's own suffix in the place of `.iso`."""

ISO = ".iso"
LONGEST = 16  # characters of a suffix: an ISO's name without `.iso` has up to 64, and a file's up to 80
SUFFIXES = {
    "manifest": ".manifest",
    "sbom": ".spdx.json",
    "provenance": ".provenance.json",
    "zsync": ".zsync",
    "torrent": ".torrent",
    "boot-bios": ".bios.png",
    "boot-bios-log": ".bios.log",
    "boot-uefi": ".uefi.png",
    "boot-uefi-log": ".uefi.log",
    "sums": ".SHA256SUMS",
    "signature": ".SHA256SUMS.asc",
}


def stem(iso: str) -> str:
    """What the names of an ISO and of the files beside it have in common."""
    return iso.removesuffix(ISO)


def name_of(kind: str, iso: str) -> str:
    """The name of the file of this kind beside an ISO."""
    return f"{stem(iso)}{SUFFIXES[kind]}"
