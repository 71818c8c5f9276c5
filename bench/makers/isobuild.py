"""isobuild, as somebody at a terminal calls it: `isobuild run-task`, in a home of its own, as a build user."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.makers.order import PACKAGES
from isobuild.config import load
from isobuild.site import cache, database, desk


@dataclass
class Home:
    """A home, and what is built in it."""

    folder: Path
    count: int = 0
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o755)
        self.env = {**os.environ, "ISOBUILD_HOME": str(self.folder), "ISOBUILD_BOOT_TEST": "no"}

    def build(self, recipe: str, options: Mapping[str, str]) -> Path:
        """Order it, and build it now; its ISO. Raises CalledProcessError."""
        self.count += 1
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = [sys.executable, "-m", "isobuild", "run-task", recipe, "--fresh", "--name", f"iso{self.count}"]
        subprocess.run([*command, *words], env=self.env, check=True, capture_output=True)
        (iso,) = (self.folder / "store" / str(self.count)).glob("*.iso")
        return iso

    def live(self, hostname: str, packages: Sequence[str] = PACKAGES, **options: str) -> Path:
        """The ISO of the system that all makers make."""
        chosen = {"packages": ",".join(packages), "compression": "fast", "hostname": hostname}
        return self.build("debian-live", chosen | options)

    def lay(self, iso: Path, name: str) -> str:
        """Put an ISO where orders may name it; its name there."""
        folder = self.folder / "isos"
        folder.mkdir(mode=0o755, exist_ok=True)
        shutil.copy(iso, folder / name)
        return name

    def forget_stages(self) -> None:
        """Empty the cache of all but packages."""
        for path in (self.folder / "cache/stages").iterdir():
            path.unlink()

    def stages(self) -> Mapping[str, Any]:
        """What the last build's row says of its stages."""
        settings = load(home=self.folder)
        return dict(desk(settings, database(settings), "bench").build(self.count)["stages"])

    def stage_files(self) -> Mapping[str, Path]:
        """The files of all stages in the cache, by their names; of several stages of a name, those of one."""
        held = cache(load(home=self.folder))
        return {
            name: held.folder / "files" / digest
            for made in held.held().stages.values()
            for name, digest in made.files.items()
        }
