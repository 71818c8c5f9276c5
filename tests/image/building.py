"""Builds a plan for real, one step after the other, as an ordinary user with sub-uids."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sh

from isobuild.image.apt import read_host
from isobuild.image.step import Place, Plan, Step
from isobuild.recipes import Cookbook

EPOCH = 1700000000


@dataclass(frozen=True)
class Builder:
    """Who builds, and where: a folder that everybody can pass through."""

    user: pwd.struct_passwd
    folder: Path

    def build(self, recipe: str, options: Mapping[str, object], name: str) -> Path:
        """The ISO of this recipe; `name` is its folder's."""
        place = self._place(name)
        cookbook = Cookbook()
        plan = cookbook.find(recipe).plan(cookbook.parse(recipe, options), place)
        self._write(plan, place)
        for step in plan.steps:
            self._run(step, Path(place.work))
        (iso,) = Path(place.out).glob("*.iso")
        return iso

    def _place(self, name: str) -> Place:
        top = self.folder / name
        for folder in (top / "in", top / "work" / "tmp", top / "out"):
            folder.mkdir(parents=True)
        for folder in (top / "work", top / "work" / "tmp", top / "out"):
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        return Place(top / "in", top / "work", top / "out", "tried.iso", read_host(), EPOCH)

    def _write(self, plan: Plan, place: Place) -> None:
        for name, text in plan.files.items():
            Path(place.inputs / name).write_text(text)

    def _run(self, step: Step, work: Path) -> None:
        path = "/usr/sbin:/usr/bin:/sbin:/bin"
        env = {"PATH": path, "HOME": f"{work}", "TMPDIR": f"{work / 'tmp'}", "LC_ALL": "C.UTF-8", **step.env}
        switch = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--init-groups"]
        command = [*(switch if os.geteuid() == 0 else ["env"]), *step.argv]
        with Path(step.stdin or os.devnull).open("rb") as fed:
            sh.Command(command[0])(*command[1:], _env=env, _cwd=f"{work}", _in=fed, _err_to_out=True)


@contextmanager
def builder() -> Iterator[Builder]:
    """The present user or, for root, a new one that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="isobuild-iso-"))
    folder.chmod(0o755)
    try:
        if os.geteuid() != 0:
            yield Builder(pwd.getpwuid(os.geteuid()), folder)
            return
        name = folder.name.lower()
        sh.useradd("--system", "--add-subids-for-system", "--no-create-home", name)
        try:
            yield Builder(pwd.getpwnam(name), folder)
        finally:
            sh.userdel(name)
    finally:
        shutil.rmtree(folder)
