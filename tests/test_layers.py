"""Who may import whom: downwards only."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "isobuild"
ALL = "*"

#: part: what it may import of ours, besides itself
LAYERS = {
    "__init__": "client version",
    "__main__": "cli",
    "errors": "",
    "config": "errors values",
    "values": "",
    "version": "",
    "instance": "errors",
    "db": "errors",
    "domain": "errors",
    "image": "errors",
    "recipes": "errors image",
    "store": "errors config",
    "trust": "errors",
    "launchers": "errors config",
    "schema": "errors config db",
    "backup": "errors config db domain schema",
    "nudge": "",
    "keeping": "errors db domain",
    "tie": "errors domain keeping",
    "tick": "errors domain keeping nightly tie launchers.base",
    "runner": "errors config db domain image nudge recipes store trust version",
    "site": "errors config db schema domain recipes store launchers "
    "runner tick keeping desk hook nightly nudge fingerprint instance resolve stale values",
    "clock": "errors config db domain store launchers runner.workspace tick nudge",
    "fingerprint": "errors image recipes",
    "resolve": "errors image recipes",
    "nightly": "",
    "desk": "errors config db domain recipes store discretion intake resolve",
    "preview": "errors desk domain image intake recipes resolve store",
    "stale": "errors db domain image resolve store trust",
    "rebuild": "errors desk domain",
    "discretion": "domain recipes",
    "intake": "errors domain image recipes store",
    "slip": "errors domain desk preview",
    "recipe_files": "errors domain desk image recipes",
    "hook": "",
    "hooks": "errors domain desk hook",
    "client": "errors config domain desk site",
    "web": "errors config db domain recipes store desk slip trust recipe_files intake preview rebuild",
    "cli": ALL,
}


class Import(NamedTuple):
    """One import of ours by ours; `target` is dotted, without the package's name."""

    file: Path
    line: int
    target: str

    @property
    def part(self) -> str:
        return self.file.parts[0].removesuffix(".py")

    def is_allowed(self) -> bool:
        allowed = LAYERS.get(self.part)
        if allowed is None:
            pytest.fail(f"isobuild/{self.part} is in no layer: add it to LAYERS and to DESIGN's table")
        return allowed == ALL or any(_within(self.target, part) for part in (self.part, *allowed.split()))


def imports(package: Path) -> Iterator[Import]:
    """Every import of the package by itself, at the top of a file or inside a function."""
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(package)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from (Import(file, node.lineno, target) for target in _targets(node, package, file))


def violations(package: Path) -> list[str]:
    """What should not be imported: file, line, import."""
    return [
        f"{each.file}:{each.line} imports {each.target or 'the package itself'}"
        for each in imports(package)
        if not each.is_allowed()
    ]


def _targets(node: ast.Import | ast.ImportFrom, package: Path, file: Path) -> Iterator[str]:
    base = f"{_absolute(node, package, file)}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        ours, _, target = f"{base}{alias.name}".partition(".")
        if ours == package.name:
            yield _module(package, target)


def _absolute(node: ast.ImportFrom, package: Path, file: Path) -> str:
    if not node.level:
        return node.module or ""
    above = (package.name, *file.parts)[: -node.level]
    return ".".join([*above, *([node.module] if node.module else [])])


def _module(package: Path, dotted: str) -> str:
    """The module in `module.name`; all of it where the name is a module itself."""
    path = package.joinpath(*dotted.split("."))
    return dotted if path.is_dir() or path.with_suffix(".py").exists() else dotted.rpartition(".")[0]


def _within(target: str, part: str) -> bool:
    return f"{target}.".startswith(f"{part}.")


def test_imports_go_downwards() -> None:
    """S0.C12: a page can't open a build: it knows neither tick nor launchers."""
    assert violations(PACKAGE) == []


def test_the_table_names_what_is_there() -> None:
    parts = {
        path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.name not in {"__pycache__", "py.typed"}
    }
    assert set(LAYERS) == parts


PLANTED = {
    "web/pages.py": ("import json\n\n\ndef show():\n    from isobuild import tick\n", "web/pages.py:5 imports tick"),
    "tick.py": ("from isobuild.launchers.local import LocalLauncher\n", "tick.py:1 imports launchers.local"),
    "domain/tasks.py": ("\nimport isobuild.db\n", "domain/tasks.py:2 imports db"),
    "runner/run.py": ("from ..launchers import base\n", "runner/run.py:1 imports launchers.base"),
    "store/local.py": ("from isobuild import domain, errors\n", "store/local.py:1 imports domain"),
    "errors.py": (
        "if TYPE_CHECKING:\n    from isobuild.domain.tables import Task\n",
        "errors.py:2 imports domain.tables",
    ),
}


@pytest.mark.parametrize("file", PLANTED)
def test_a_planted_violation_is_found(file: str, tmp_path: Path) -> None:
    package = _plant(tmp_path, dict.fromkeys((*PLANTED, "db.py", "launchers/base.py", "launchers/local.py"), ""))
    text, finding = PLANTED[file]
    (package / file).write_text(text)
    assert violations(package) == [finding]


def test_what_is_allowed_is_not_found(tmp_path: Path) -> None:
    modules = ["errors.py", "domain/states.py", "launchers/base.py"]
    package = _plant(tmp_path, dict.fromkeys(modules, ""))
    allowed = "from isobuild.errors import Refused\nfrom isobuild.launchers import base\nfrom isobuild import domain\n"
    (package / "tick.py").write_text(allowed)
    (package / "domain" / "tasks.py").write_text("from .states import TaskState\nfrom isobuild import errors\n")
    assert violations(package) == []


def _plant(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "isobuild"
    for file, text in files.items():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(text)
    return package
