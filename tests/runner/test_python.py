"""The Python for recipes: an interpreter and modules that a build user can use, wherever the service's own lie."""

import os
import pwd
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from sites import Site

from isobuild.errors import HostFault
from isobuild.image.step import Place
from isobuild.recipes import Cookbook
from isobuild.runner import python
from isobuild.runner.modules import needed
from isobuild.runner.workspace import Workspaces

from .conftest import Work

CLOSED = ("a.py", "package/__init__.py", "package/data.txt")


@pytest.fixture
def modules(tmp_path: Path) -> dict[str, Path]:
    """Modules where only the service can read."""
    for name in CLOSED:
        path = tmp_path / "closed" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
        path.chmod(0o600)
    return {name: tmp_path / "closed" / name for name in CLOSED}


def test_everybody_can_read_the_folder_and_nobody_change_it(tmp_path: Path, modules: dict[str, Path]) -> None:
    before = os.umask(0o077)
    made = python.folder(tmp_path / "python", modules)
    os.umask(before)
    assert {path: (made / path).read_text() for path in CLOSED} == {path: f"# {path}\n" for path in CLOSED}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (made, *made.rglob("*"))}
    assert modes == {0o755, 0o644}
    assert list((made / "__pycache__").glob("a.*.pyc"))


def test_it_is_on_the_disk_before_it_appears(
    tmp_path: Path, modules: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone, and all of it: other builds write gigabytes to the same disk."""
    synced: set[str] = set()

    def fsync(opened: int) -> None:
        synced.add(f"{Path(f'/proc/self/fd/{opened}').readlink()}")
        assert [path for path in (tmp_path / "python").iterdir() if not path.name.startswith(".")] == []

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "sync", None)
    made = python.folder(tmp_path / "python", modules)
    assert {path.partition(made.name)[2] for path in synced} == {
        f"{path}".partition(made.name)[2] for path in (made, *made.rglob("*"))
    }


def test_it_is_made_once_for_the_same_modules(tmp_path: Path, modules: dict[str, Path]) -> None:
    root = tmp_path / "python"
    made = python.folder(root, modules)
    inode = made.stat().st_ino
    assert python.folder(root, dict(reversed(modules.items()))) == made
    assert made.stat().st_ino == inode
    modules["a.py"].write_text("# an update\n")
    other = python.folder(root, modules)
    assert (other != made, made.is_dir(), (other / "a.py").read_text()) == (True, True, "# an update\n")


def test_what_two_make_at_once_is_one_and_whole(tmp_path: Path, modules: dict[str, Path]) -> None:
    root = tmp_path / "python"
    with ThreadPoolExecutor(4) as pool:
        made = {*pool.map(lambda _: python.folder(root, modules), range(4))}
    assert {*root.iterdir()} == made
    assert len(made) == 1


def test_a_making_that_fails_leaves_nothing(
    tmp_path: Path, modules: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError("power is gone")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="power is gone"):
        python.folder(tmp_path / "python", modules)
    assert list((tmp_path / "python").iterdir()) == []


def test_folders_that_no_build_can_use_any_more_are_removed(tmp_path: Path, modules: dict[str, Path]) -> None:
    root = tmp_path / "python"
    old = python.folder(root, {"a.py": modules["a.py"]})
    used = python.folder(root, {"b.py": modules["a.py"]})
    for path in (old, used):
        os.utime(path, times=(0, time.time() - python.KEEP - 60))
    python.folder(root, {"b.py": modules["a.py"]})
    gone = root / "gone"
    gone.symlink_to("nowhere")  # as one that another runner removes right now
    made = python.folder(root, modules)
    assert {*root.iterdir()} == {used, made, gone}


def test_the_interpreter_is_one_that_the_user_can_run(build_user: str) -> None:
    found = python.interpreter(build_user)
    switch = ["setpriv", f"--reuid={build_user}", "--clear-groups"] if os.geteuid() == 0 else []
    said = subprocess.check_output([*switch, found, "-I", "-c", "import sys; print(sys.version)"], text=True)
    assert said.strip() == sys.version


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This Python lies where only the service can run it."""
    path = tmp_path / "closed" / "python3"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    return path


@pytest.mark.skipif(not Path(f"/usr/bin/python3.{sys.version_info.minor}").exists(), reason="Debian's is another")
def test_debians_does_where_the_services_own_is_hidden(hidden: Path) -> None:
    assert python.interpreter("nobody") == f"/usr/bin/python3.{sys.version_info.minor}"


def test_none_is_the_hosts_fault(hidden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(minor=99))
    with pytest.raises(HostFault, match=rf"nobody can't run {hidden}, and there is no /usr/bin/python3\.99"):
        python.interpreter("nobody")


def test_who_builds_as_the_service_has_the_services_own(hidden: Path) -> None:
    assert python.interpreter(pwd.getpwuid(os.geteuid()).pw_name) == str(hidden)


PACKAGE = {
    "teahouse/__init__.py": "",
    "teahouse/words.py": "import tea_leaves\nWORDS = tea_leaves.kind()\n",
    "teahouse/linux.py": """
from isobuild.recipes.base import Options, Recipe
from .words import WORDS
class Tea(Recipe):
    name, title, version, Options = "tea-linux", "Tea", 1, Options
    def run(self, options, place):
        (place.out / place.iso).write_text(WORDS)
""",
    "teahouse-1.dist-info/METADATA": """Metadata-Version: 2.1
Name: teahouse
Version: 1
Requires-Dist: Tea_Leaves>=1
Requires-Dist: not-on-this-machine; sys_platform == 'win32'
Requires-Dist: unwanted; extra == 'all'
""",
    "teahouse-1.dist-info/RECORD": """teahouse/__init__.py,,
teahouse/linux.py,,
teahouse/gone.py,,
../../bin/tea,,
/bin/sh,,
""",
    "teahouse-1.dist-info/entry_points.txt": "[isobuild.recipes]\ntea-linux = teahouse.linux\n",
    "tea_leaves.py": "import tea_cup\ndef kind(): return tea_cup.KIND\n",
    "tea_leaves-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tea-leaves\nRequires-Dist: tea-cup (>=1)\n",
    "tea_leaves-1.dist-info/RECORD": "tea_leaves.py,,\n",
    "tea_cup.py": "KIND = 'green'\n",
    "tea_cup-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tea-cup\nRequires-Dist: tea-leaves\n",
    "tea_cup-1.dist-info/RECORD": "tea_cup.py,,\n",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a recipe, and what it requires, installed where only the service can read."""
    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def brew(site: Site, workspaces: Workspaces, work: Work) -> Callable[[], str]:
    """Performs tea-linux; the text of its ISO."""

    def brew() -> str:
        recipe = Cookbook(site.home).find("tea-linux")
        command = python.command(site.home / "python", recipe, workspaces.door.user(0))
        path = workspaces.root / "1"
        place = Place(path / "in", path / "work", path / "out", "x.iso", "", 0, python=command)
        plan = recipe.plan(None, place)
        worked = work(*plan.steps[0].command(), files=plan.files)
        assert (worked.status, worked.err) == (0, "")
        return (path / "out/x.iso").read_text()

    return brew


def test_an_installed_recipe_brings_all_that_it_requires(installed: Path, brew: Callable[[], str]) -> None:
    """S2.1: a package of recipes needs no registration, and runs as it is."""
    assert brew() == "green"


def test_a_sites_file_brings_what_it_imports(site: Site, installed: Path, brew: Callable[[], str]) -> None:
    (site.home / "recipes").mkdir()
    text = PACKAGE["teahouse/linux.py"].replace(
        "from .words import WORDS", "import tea_leaves\nWORDS = tea_leaves.kind() + ' tea'"
    )
    (site.home / "recipes/tea_linux.py").write_text(text)
    assert brew() == "green tea"


def test_what_is_needed_is_no_more_than_that(installed: Path) -> None:
    found = needed(__import__("teahouse.linux", fromlist=["linux"]))
    own = {name for name in found if name.startswith("tea")}
    assert own == {name for name in PACKAGE if name.endswith(".py")}
    tops = {name.partition("/")[0].removesuffix(".py") for name in found.keys() - own if ".dist-info/" not in name}
    pydantics = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
    assert tops == {"__main__", "isobuild", *pydantics}


@pytest.mark.parametrize("name", ["debian-live", "remaster", "script", "tiny"])
def test_recipes_of_the_other_forms_need_none(tmp_path: Path, name: str) -> None:
    assert python.command(tmp_path / "python", Cookbook().find(name), "nobody") == ()
    assert not (tmp_path / "python").exists()
