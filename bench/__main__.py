"""`python -m bench [NAME...]`: all benchmarks, or those that are named."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

NAMES = ("queue", "start")


def main(names: Sequence[str]) -> None:
    """Run them, one after another, so that none disturbs another."""
    if unknown := set(names) - set(NAMES):
        sys.exit(f"bench: there is no {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the servers of the tests' databases
    for name in names or NAMES:
        print(f"## {name}\n", flush=True)
        import_module(f"bench.{name}").run()


if __name__ == "__main__":
    main(sys.argv[1:])
