"""Packages on their way into a build: those that the service has are there already; the others are fetched."""

from collections.abc import Sequence

from isobuild.image.snapshot import Package
from isobuild.image.step import Mark, Place, Step

HELPER = "/usr/lib/apt/apt-helper"
AT_ONCE = "200"  # packages in one call


def files(place: Place, packages: Sequence[Package], logins: str = "") -> dict[str, str]:
    """What is to be fetched, for the inputs folder: lines of address, file and hash, as apt-helper takes them.

    `logins`: how to log in to the archives (apt_auth.conf(5)), if that is needed.
    """
    folder = place.out / "packages"
    lines = (f"{each.uri} {folder / each.file} SHA256:{each.sha256}\n" for each in _missing(place, packages))
    return {"fetch.list": "".join(lines)} | ({"logins": logins} if logins else {})


def fetch(place: Place, packages: Sequence[Package], login: bool = False) -> tuple[Step, ...]:
    """The steps that leave in `in/packages` what is not there; none if all is."""
    missing = _missing(place, packages)
    if not missing:
        return ()
    settings = ("-o", "Acquire::Retries=3", *(("-o", f"Dir::Etc::netrc={place.inputs / 'logins'}") if login else ()))
    argv = ("xargs", "-a", f"{place.inputs / 'fetch.list'}", "-L", AT_ONCE, HELPER, *settings, "download-file")
    got = Mark(r"^Get:(\d+) ", of=min(len(missing), int(AT_ONCE)))
    weight = 0.5 + sum(each.size for each in missing) / (20 << 20)
    return (
        Step("packages", ("mkdir", "-p", f"{place.out / 'packages'}"), weight=0.01),
        Step("packages", argv, weight, marks=(got,), leaves="packages"),
    )


def _missing(place: Place, packages: Sequence[Package]) -> list[Package]:
    return [package for package in packages if package.sha256 not in place.have]
