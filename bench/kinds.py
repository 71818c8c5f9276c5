"""ISOs of each kind, built and booted: how long that takes, how large they are, and whether they come up."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.boots import boots
from bench.figures import table, timed
from bench.images import PICTURE
from bench.makers.isobuild import Home
from bench.makers.order import login
from isobuild.image.proof import FIRMWARES

DESKTOP = "^isobuild: desktop is up$"
KINDS: dict[str, tuple[str, dict[str, str], str]] = {
    "minimal": ("tiny", {}, login("tiny")),
    "Xfce": ("debian-live", {"desktop": "xfce"}, DESKTOP),
    "Xfce, another hostname and wallpaper": (
        "debian-live",
        {"desktop": "xfce", "hostname": "hills", "wallpaper": f"@{PICTURE}"},
        DESKTOP,
    ),
    "kiosk": ("debian-live", {"desktop": "kiosk"}, DESKTOP),
}
SCREENS = Path("bench-screens")


@dataclass(frozen=True)
class Built:
    """An ISO of a kind: the seconds from the order to the ISO, and what its serial console comes to show."""

    what: str
    seconds: float
    iso: Path
    until: str

    def row(self) -> list[object]:
        """Of the table; it is booted for that."""
        told = boots(self.iso, self.until, SCREENS / self.what)
        return [self.what, self.seconds, self.iso.stat().st_size / (1 << 20), *told]


def run() -> None:
    """Print the table; what was on the screens in the end is left in a folder here."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="isobuild-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        print("From the order to the ISO, and from power on to the login prompt or the desktop, in seconds\n")
        rows = (built.row() for built in _build(Home(folder / "home")))
        table(["", "order to ISO", "MiB", *(f"boot, {firmware}" for firmware in FIRMWARES)], rows)


def _build(home: Home) -> Iterator[Built]:
    return (_built(what, home, *facts) for what, facts in KINDS.items())


def _built(what: str, home: Home, recipe: str, options: Mapping[str, str], until: str) -> Built:
    fast = {} if recipe == "tiny" else {"compression": "fast"}
    milliseconds, iso = timed(lambda: home.build(recipe, {**options, **fast}))
    return Built(what, milliseconds / 1000, iso, until)
