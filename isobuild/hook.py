"""A hook, in a process of its own: `python -m isobuild.hook FILE FUNCTION`, and the task as JSON on stdin.

Nothing but this file is loaded for it: each of a site's hooks is such a process, for each end that it is told.
"""

import json
import sys
from collections.abc import Callable, Mapping
from importlib import util
from pathlib import Path
from typing import Any

MISSING = 100  # exit status: the file has no such function
Hook = Callable[[Mapping[str, Any]], object]


def files(home: Path) -> list[Path]:
    """The files of a site's hooks, in the order in which they are told."""
    return sorted((home / "hooks").glob("[!_.]*.py"))


def find(path: Path, name: str) -> Hook | None:
    """The function of that name in a file; None if there is none. Raises what the file raises."""
    spec = util.spec_from_file_location(f"isobuild_site_hooks.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook: Hook | None = getattr(module, name, None)
    return hook


def main(path: str, name: str) -> int:
    """Call it with the task on stdin; the exit status."""
    task = json.load(sys.stdin)
    hook = find(Path(path), name)
    if hook is None:
        return MISSING
    hook(task)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
