"""Which files a recipe's module needs to be imported elsewhere: isobuild's share of recipes, pydantic, and its own."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path
from types import ModuleType

from isobuild.recipes import SITE

OURS = ("__init__.py", "version.py", "errors.py", "image", "recipes")
Files = Iterator[tuple[str, Path]]  # path below the folder, file


def needed(module: ModuleType) -> dict[str, Path]:
    """The files (path below the folder -> file) with which the module can be imported, itself included.

    Those of Python itself and of the system's packages are left out: its interpreter finds them.
    """
    names = {"pydantic", module.__name__.partition(".")[0], *_imported(Path(f"{module.__file__}").read_text())}
    names -= {*sys.stdlib_module_names, "isobuild", SITE}
    return dict([*_of_isobuild(), *(each for name in sorted(names) for each in _of_package(name)), *_of_wheels(names)])


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _of_isobuild() -> Files:
    package = Path(__file__).parents[1]
    yield "__main__.py", package / "runner" / "perform.py"
    for name in OURS:
        yield from _tree(package.parent, package / name)


def _of_package(name: str) -> Files:
    spec = util.find_spec(name)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from _tree(Path(folder).parent, Path(folder))
    if spec and spec.origin and not spec.submodule_search_locations:
        yield Path(spec.origin).name, Path(spec.origin)


def _of_wheels(names: set[str]) -> Files:
    """All that was installed with these packages, and with what they require."""
    owners = metadata.packages_distributions()
    waiting = [owner for name in names for owner in owners.get(name, ())]
    seen = {"isobuild"}
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            wheel = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # required on other machines only
            continue
        files = {f"{file}": Path(f"{file.locate()}") for file in wheel.files or ()}
        yield from ((name, file) for name, file in files.items() if _is_module(Path(name)) and file.is_file())
        waiting += [re.split(r"[^\w.-]", each)[0] for each in wheel.requires or () if "extra ==" not in each]


def _tree(top: Path, path: Path) -> Files:
    for each in (path, *path.rglob("*")):
        if each.is_file() and _is_module(each.relative_to(top)):
            yield f"{each.relative_to(top)}", each


def _is_module(path: Path) -> bool:
    """Whether it belongs in the folder: programs and the like are listed by paths that lead elsewhere."""
    return path.suffix != ".pyc" and not path.is_absolute() and ".." not in path.parts
