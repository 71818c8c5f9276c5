"""What archives of packages offer now, as one digest: a new Release file makes it another.

Debian's own apt-helper fetches, so all of apt's transports, proxies and passwords are known. What an archive said is
kept in a folder, a small file for each, and holds for an hour; an archive that is away is taken at its last word.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from time import monotonic
from typing import Any

from isobuild.image.apt import archives

Archive = tuple[str, str]  # URI and suite
Identity = tuple[int, int, int]
HELPER = "/usr/lib/apt/apt-helper"
QUICK = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::No-Cache=true")
NAMES = ("InRelease", "Release")
LARGEST = 16 << 20  # bytes of a Release file; those of Debian have 0.2 MiB
ANY_STATUS = list(range(-64, 256))
AWAY = 60.0  # seconds until an archive that did not answer is asked again


@dataclass(frozen=True, slots=True)
class Known:
    """An archive's last word: the SHA-256 of its Release file, None if it never said; and when to ask it again."""

    release: str | None = None
    again: float = 0.0  # seconds since 1970 UTC

    def is_fresh(self, now: float, max_age: float) -> bool:
        """Whether it holds still; what holds for longer than it may comes of a clock that was wrong."""
        return now < self.again <= now + max_age


def digest(sources: str, folder: Path, now: datetime, max_age: float = 3600.0, limit: float = 5.0) -> str | None:
    """SHA-256, in hexadecimal, of these sources (deb822 text) and the Release file of each; None if one is unknown.

    `folder` keeps what archives said. They are asked when that is older than `max_age`, for `limit` seconds in all.
    """
    wanted = archives(sources)
    if sources.strip() and not wanted:
        return None
    known = {archive: _recall(folder, archive) for archive in wanted}
    old = [archive for archive in known if not known[archive].is_fresh(now.timestamp(), max_age)]
    if old:
        known |= _renew({archive: known[archive] for archive in old}, folder, now.timestamp(), max_age, limit)
    releases = [each.release for each in known.values()]
    return None if None in releases else sha256(json.dumps([sources, releases]).encode()).hexdigest()


def identity(path: str | Path) -> Identity:
    """What tells a file from another that takes its place, and from itself once it is changed: inode, bytes, and
    nanoseconds since 1970 UTC. Raises OSError.
    """
    facts = Path(path).stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    with Path(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _renew(
    old: Mapping[Archive, Known], folder: Path, now: float, max_age: float, limit: float
) -> dict[Archive, Known]:
    answers = _ask(old, limit)
    renewed = {}
    for archive, known in old.items():
        holds = max_age if archive in answers else min(AWAY, max_age)
        renewed[archive] = Known(answers.get(archive, known.release), now + holds)
        _keep(folder, archive, renewed[archive])
    return renewed


def _file(folder: Path, archive: Archive) -> Path:
    return folder / sha256(" ".join(archive).encode()).hexdigest()


def _recall(folder: Path, archive: Archive) -> Known:
    try:
        return Known(**json.loads(_file(folder, archive).read_text()))
    except (OSError, ValueError, TypeError):
        return Known()


def _keep(folder: Path, archive: Archive, known: Known) -> None:
    with suppress(OSError):  # on a full disk it is asked each time
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=folder, prefix=".", delete=False) as part:
            try:
                json.dump(asdict(known), part)
                part.flush()
                Path(part.name).replace(_file(folder, archive))
            finally:
                Path(part.name).unlink(missing_ok=True)


def _ask(wanted: Iterable[Archive], limit: float) -> dict[Archive, str]:
    """The SHA-256 of the Release file of each archive that brings it within `limit` seconds."""
    found: dict[Archive, str] = {}
    over = monotonic() + limit
    with TemporaryDirectory(prefix="isobuild-upstream-") as scratch:
        _give_to_apt(scratch)
        for name in NAMES:
            files = {each: Path(scratch, f"{name}.{n}") for n, each in enumerate(wanted) if each not in found}
            running = {each: _download(_address(each, name), file, over - monotonic()) for each, file in files.items()}
            came = [each for each, process in running.items() if process.wait().exit_code == 0]
            found |= {each: sha256_of(files[each]) for each in came if os.access(files[each], os.R_OK)}
    return found


def _give_to_apt(folder: str) -> None:
    """Root's apt fetches as an unprivileged user of its own, where that may write."""
    if os.geteuid() == 0:
        with suppress(LookupError):
            shutil.chown(folder, "_apt")


def _address(archive: Archive, name: str) -> str:
    uri, suite = archive
    folder = suite.lstrip("/") if suite.endswith("/") else f"dists/{suite}/"
    return f"{uri.rstrip('/')}/{folder}{name}"


def _download(address: str, target: Path, seconds: float) -> Any:
    """Start it. Its exit status tells whether all came: what is cut off leaves a file too."""
    import sh  # costs 50 ms

    guard = ("--signal=KILL", f"{max(seconds, 0.001):.3f}", "prlimit", f"--fsize={LARGEST}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("ISOBUILD_")}
    return sh.Command("timeout")(
        *guard, HELPER, *QUICK, "download-file", address, str(target),
        _env=env, _bg=True, _bg_exc=False, _tty_out=False, _ok_code=ANY_STATUS,
    )  # fmt: skip
