"""The same system by live-build, by the plain commands, and by isobuild: seconds, sizes, and that each ISO boots."""

import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import sh

from bench.boots import boots
from bench.figures import table, timed
from bench.makers import live_build, plain
from bench.makers.isobuild import Home
from bench.makers.order import PACKAGES, Mirrors, login
from isobuild.image.proof import FIRMWARES

ROUNDS = 3  # of what is quick enough to be measured again; its median counts
PICTURE = Path(__file__).parents[1] / "docs/page.png"


@dataclass(frozen=True)
class Made:
    """What a maker came to: the seconds of each round, its ISO, and what its machine calls itself."""

    what: str
    seconds: list[float]
    iso: Path
    hostname: str

    @property
    def median(self) -> float:
        """Of the seconds."""
        return statistics.median(self.seconds)


def run() -> None:
    """Print the tables. live-build and the plain commands want root; isobuild builds as its build user."""
    if os.geteuid():
        print("Only root can run live-build, with which isobuild is compared here.")
        return
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="isobuild-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        mirrors = Mirrors.of_host()
        others = [*_live_build(folder, mirrors), _plain(folder, mirrors)]
        home = Home(folder / "home")
        ours = list(_isobuild(home))
        _compare(others, ours)
        _show_limits(home, folder)
        _show_boots([*others, *ours])


def _live_build(folder: Path, mirrors: Mirrors) -> Iterable[Made]:
    place = folder / "live-build"
    live_build.configure(place, mirrors, tuned=False)
    first = _once("live-build, its defaults, cold", partial(live_build.build, place), live_build.HOSTNAME)
    yield replace(first, iso=first.iso.rename(folder / "defaults.iso"))
    live_build.clean(place)
    live_build.configure(place, mirrors, tuned=True)
    yield _once("live-build, its caches warm, zstd-3", partial(live_build.build, place), live_build.HOSTNAME)


def _plain(folder: Path, mirrors: Mirrors) -> Made:
    return _once(
        "mmdebstrap and the plain commands, zstd-3", partial(plain.build, folder / "plain", mirrors), plain.HOSTNAME
    )


def _isobuild(home: Home) -> Iterable[Made]:
    yield _once("isobuild, cold", partial(home.live, "cold"), "cold")
    yield _again("isobuild, packages cached", partial(_anew, home, "warm"), "warm")
    known = home.lay(home.live("warm"), "known.iso")
    more = [["screen"], ["file"], ["bc"]]
    yield _again("isobuild, one package on the known base", lambda: home.live("warm", more.pop()), "warm")
    more = [["screen"], ["file"], ["bc"]]
    yield _again(
        "isobuild, one package more than all these, as another layer (remaster)",
        lambda: home.build("remaster", {"source": known, "packages": more.pop()[0], "compression": "fast"}), "warm",
    )  # fmt: skip
    more = [[*PACKAGES, name] for name in ("screen", "file", "bc")]
    yield _again("isobuild, one package more, installed with all these", lambda: home.live("warm", more.pop()), "warm")
    names = [f"other{number}" for number in range(ROUNDS)]
    yield _again(
        "isobuild, another hostname and boot picture",
        lambda: home.live(names.pop(), background=f"@{PICTURE}"), "other0",
    )  # fmt: skip


def _anew(home: Home, hostname: str) -> Path:
    home.forget_stages()
    return home.live(hostname)


def _once(what: str, build: Callable[[], Path], hostname: str) -> Made:
    milliseconds, iso = timed(build)
    return Made(what, [milliseconds / 1000], iso, hostname)


def _again(what: str, build: Callable[[], Path], hostname: str) -> Made:
    taken = [timed(build) for _ in range(ROUNDS)]
    return Made(what, [milliseconds / 1000 for milliseconds, _ in taken], taken[-1][1], hostname)


def _compare(others: list[Made], ours: list[Made]) -> None:
    defaults, tuned = others[0].median, others[1].median
    print("From nothing to the ISO, in seconds; what is quick is the median of three\n")
    heads = ["", "s", "MiB", "times faster than live-build's defaults", "than live-build with warm caches, zstd-3"]
    table(heads, [
        [made.what, made.median, made.iso.stat().st_size / (1 << 20), defaults / made.median, tuned / made.median]
        for made in (*others, *ours)
    ])  # fmt: skip


def _show_limits(home: Home, folder: Path) -> None:
    """Each stage beside what no tool can go below: the same bytes, and nothing but the work itself."""
    _anew(home, "limits")
    stages, files = home.stages()["made"], home.stage_files()
    tree = folder / "limit"
    limits = {
        "unpack the base, as its packages": _unpack(home, tree),
        "squash the same, zstd-3": _squash(tree, folder / "limit.squashfs"),
        "write the ISO's files": _write(list(files.values()), folder / "limit.iso"),
    }
    print("isobuild's stages, all made anew, and the limits of what they do, in seconds\n")
    table(["", "s"], [*(["stage " + name, seconds] for name, seconds in stages.items()), *map(list, limits.items())])


def _unpack(home: Home, tree: Path) -> float:
    tree.mkdir()
    packages = [path for path in (home.folder / "cache/files").iterdir() if path.open("rb").read(8) == b"!<arch>\n"]
    return timed(lambda: [sh.Command("dpkg-deb")("-x", path, tree) for path in packages])[0] / 1000


def _squash(tree: Path, file: Path) -> float:
    pack = sh.Command("mksquashfs").bake(
        tree, file, "-comp", "zstd", "-Xcompression-level", "3", "-b", "1M", "-noappend"
    )
    return timed(pack)[0] / 1000


def _write(files: list[Path], iso: Path) -> float:
    grafts = [f"/{number}={file}" for number, file in enumerate(files)]
    write = sh.Command("xorriso").bake(
        "-as", "mkisofs", "-quiet", "-iso-level", "3", "-o", iso, "-graft-points", *grafts
    )
    return timed(write)[0] / 1000


def _show_boots(made: list[Made]) -> None:
    print("Each boots to its login prompt, by both firmwares at once, in seconds\n")
    table(["", *FIRMWARES], ([each.what, *boots(each.iso, login(each.hostname))] for each in made))
