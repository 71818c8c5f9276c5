"""docs/sources.md: which tests show what the sources ask for. `python tests/sources.py` fills its last column."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "sources.md"
ID = re.compile(r"\b(?:S[0-4]\.C?\d+|W\d+b?)\b")
#: a row of a table: all before its last column, its id, and the last column
ROW = re.compile(r"^(\| (S[0-4]\.C?\d+|W\d+b?) \|.*\|) ([^|\n]*) \|$", re.MULTILINE)
NOTHING = "nothing to test"


def carried(folder: Path = TESTS) -> dict[str, list[str]]:
    """By each id that a test carries, the files of these tests, without their `.py`."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        words = " ".join(said(path))
        for number in set(ID.findall(words)):
            found.setdefault(number, []).append(str(path.relative_to(folder).with_suffix("")))
    return found


def said(path: Path) -> Iterator[str]:
    """What the tests of a file say of themselves."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield ast.get_docstring(node) or ""


def rows(page: str) -> dict[str, str]:
    """The last column of each id. Raises ValueError for an id that has two rows."""
    found: dict[str, str] = {}
    for _, number, files in ROW.findall(page):
        if number in found:
            raise ValueError(f"{number} has two rows")
        found[number] = files
    return found


def fill(page: str, files: dict[str, list[str]]) -> str:
    """The page with the tests' files in its last column."""

    def row(found: re.Match[str]) -> str:
        rest, number, last = found.groups()
        return f"{rest} {last if last == NOTHING else ', '.join(files.get(number, ['**none**']))} |"

    return ROW.sub(row, page)


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(), carried()))
