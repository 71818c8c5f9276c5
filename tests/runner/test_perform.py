"""A recipe that is written in Python, performed as the build user."""

import os
import pwd
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from sites import Site

from isobuild.image.step import Place
from isobuild.recipes import Cookbook
from isobuild.runner import causes, python
from isobuild.runner.workspace import Workspaces

from .conftest import Work, Worked

HEAD = """
import os, signal, subprocess, sys
from pathlib import Path
from pydantic import Field
from isobuild.errors import BuildFailed, HostFault
from isobuild.recipes.base import Options, Recipe, progress

class Lost(BuildFailed):
    \"\"\"The mirror lost {{what}}.\"\"\"
    cause = "upstream"

class TeaOptions(Options):
    leaves: int = Field(3, ge=1)

class Tea(Recipe):
    name, title, version, Options = "tea", "Tea", 1, TeaOptions

    def run(self, options, place):
{}
    def rollback(self, options, place):
        print("rolled back", options.leaves)
"""
Perform = Callable[..., Worked]


@pytest.fixture
def perform(site: Site, workspaces: Workspaces, work: Work) -> Perform:
    """Performs a recipe of the site with this body of `run`, in workspace 1."""

    def perform(body: str, options: dict[str, Any] | None = None, dependencies: Any = (), text: str = HEAD) -> Worked:
        (site.home / "recipes").mkdir()
        (site.home / "recipes" / "tea.py").write_text(text.format(textwrap.indent(body, " " * 8)))
        recipe = Cookbook(site.home).find("tea")
        command = python.command(site.home / "python", recipe, workspaces.door.user(0))
        path = workspaces.root / "1"
        place = Place(path / "in", path / "work", path / "out", "mine.iso", "", 7, site.home, python=command)
        plan = recipe.plan(None, place)
        argv = plan.steps[0].command()
        return work(*argv, files=plan.files, options=options, dependencies=dependencies)

    return perform


def test_it_makes_the_iso_as_the_build_user(perform: Perform, build_user: str) -> None:
    """S1.1, S2.9: the handler is given its options and tells its progress."""
    body = "progress(40, 'brewing')\n(place.out / place.iso).write_text(f'{options.leaves} {os.environ[\"USER\"]}')\n"
    worked = perform(body, {"leaves": 5})
    assert (worked.status, worked.out, worked.err) == (0, "isobuild: 40% brewing\n", "")
    with worked.workspace.open_iso() as iso:
        assert iso.read().decode() == f"5 {build_user}"
        assert pwd.getpwuid(os.fstat(iso.fileno()).st_uid).pw_name == build_user


def test_what_it_returns_are_the_results(perform: Perform) -> None:
    """S1.15: a run may leave results."""
    worked = perform("return {'epoch': place.epoch, 'site': place.site.name}")
    assert worked.status == 0
    assert worked.workspace.results() == {"epoch": 7, "site": worked.workspace.path.parents[1].name}


def test_it_sees_its_dependencies(perform: Perform, site: Site) -> None:
    """S4.17: getDependenciesResults() is `place.dependencies`."""
    (site.home / "base.iso").write_text("base")
    given = {"task": 3, "name": "base", "iso": site.home / "base.iso", "size": 4, "sha256": "x", "manifest": None}
    body = """
base, = place.dependencies
return {"read": Path(base["iso"]).read_text(), "kernel": base["results"]["kernel"]}
"""
    worked = perform(body, dependencies=[given | {"results": {"kernel": "6.1"}}])
    assert worked.workspace.results() == {"read": "base", "kernel": "6.1"}


@pytest.mark.parametrize(
    ("body", "status", "cause", "said"),
    [
        ("raise BuildFailed(what='No such tea.')", 65, "request", "No such tea."),
        ("raise HostFault(what='No kettle.')", 71, "host", "No kettle."),
        ("raise Lost(what='the leaves')", 69, "upstream", "The mirror lost the leaves."),
        ("raise KeyError('cup')", 70, "host", "KeyError: 'cup'"),
        ("sys.stderr.write('E: Unable to locate package x\\n')\n1 / 0", 70, "request", "division by zero"),
        ("sys.exit(69)", 69, "upstream", ""),
        ("return 7", 70, "host", "TypeError: 'int' object is not iterable"),
    ],
)  # fmt: skip
def test_how_it_ends_badly(perform: Perform, body: str, status: int, cause: str, said: str) -> None:
    """S4.13: what it raises has its cause, and rollback is called."""
    worked = perform(body)
    assert worked.status == status
    assert worked.err.rstrip().endswith(said)
    assert causes.failure("tea", status, "", worked.err).cause == cause
    assert worked.out == ("rolled back 3\n" if "return" not in body else "")


def test_a_rollback_that_fails_hides_nothing(perform: Perform) -> None:
    """S4.13: a failing rollback is harmless."""
    broken = HEAD.replace('print("rolled back", options.leaves)', "raise RuntimeError('spilt')")
    worked = perform("raise BuildFailed(what='No such tea.')", text=broken)
    assert (worked.status, worked.err.splitlines()[-1]) == (65, "No such tea.")
    assert "RuntimeError: spilt" in worked.err


def test_asked_to_end_it_rolls_back(perform: Perform) -> None:
    """S4.13: the soft limit of time asks by SIGTERM."""
    worked = perform("os.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()")
    assert (worked.status, worked.out) == (143, "rolled back 3\n")


def test_options_that_no_longer_do_are_the_orders_fault(perform: Perform) -> None:
    worked = perform("pass", {"leaves": 0})
    assert (worked.status, worked.out) == (65, "")
    assert worked.err == "leaves: 0 is not allowed: greater than or equal to 1.\n"


def test_what_it_prints_is_heard_at_once_and_in_its_place(perform: Perform) -> None:
    worked = perform("print('one')\nsubprocess.run(['echo', 'two'], check=True)\nprint('three')")
    assert worked.out == "one\ntwo\nthree\n"


def test_nothing_of_the_services_is_given_to_it(perform: Perform) -> None:
    body = "import isobuild\nreturn {'has': sorted(os.listdir(Path(isobuild.__file__).parent)), 'path': sys.path}"
    results = perform(body).workspace.results()
    assert results["has"] == ["__init__.py", "__pycache__", "errors.py", "image", "recipes", "version.py"]
    assert not [path for path in results["path"][1:] if "site-packages" in path]
