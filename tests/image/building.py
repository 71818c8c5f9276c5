"""Builds images for real: a site of its own, its build user, the steps behind the door, and the cache."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sites import Site, opened

from isobuild import site as parts


@dataclass
class Kitchen:
    """A site in which one image is built after the other."""

    site: Site
    count: int = 0

    def build(
        self, recipe: str, options: Mapping[str, object], boot_test: bool = False, after: Sequence[int] = ()
    ) -> dict[str, Any]:
        """Order this recipe, and carry the build; the build, ended."""
        self.count += 1
        chosen = self.site.settings()
        desk = parts.desk(chosen, parts.database(chosen), "ann")
        desk.order(
            recipe, options, name=f"iso{self.count}", fresh=True, max_attempts=1, boot_test=boot_test, after=after
        )
        return self.site.carry()

    def iso(self, build: Mapping[str, Any]) -> Path:
        """The ISO that a build made. Fails if it made none."""
        assert build["state"] == "succeeded", build["error"]
        (iso,) = (self.site.home / "store" / str(build["id"])).glob("*.iso")
        return iso

    def said(self, build: Mapping[str, Any], firmware: str) -> str:
        """All that the serial console said in a build's boot test."""
        return self.iso(build).with_suffix(f".{firmware}.log").read_text()


@contextmanager
def kitchen(build_user: str) -> Iterator[Kitchen]:
    """An empty one, for the tests of a module."""
    home = Path(tempfile.mkdtemp(prefix="isobuild-iso-"))
    home.chmod(0o755)
    try:
        with opened(home, build_user) as site:
            yield Kitchen(site)
    finally:
        shutil.rmtree(home)
