"""`python -m bench [NAME...] [--write FILE]`: all benchmarks, or those that are named; FILE gets their tables, too."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

NAMES = ("queue", "start", "chaos", "images", "kinds")


def main(names: Sequence[str], document: Path | None) -> None:
    """Run them, one after another, so that none disturbs another."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the servers of the tests' databases
    from bench.document import printed, replace

    for name in names:
        print(f"## {name}\n", flush=True)
        text = printed(import_module(f"bench.{name}").run)
        if document:
            replace(document, name, text)


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all, if none is named")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document that has a place for their tables")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(NAMES)):
        parser.error(f"there is no {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    main(given.names or NAMES, given.write)
