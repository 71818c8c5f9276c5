"""Every feature that a source asks for has a test, and docs/sources.md shows which."""

import re
from pathlib import Path

import pytest
from sources import ID, NOTHING, PAGE, TESTS, carried, fill, rows, said

#: how many rows each source has; their numbers begin with 1
ROWS = {"S0.": 26, "S0.C": 12, "S1.": 44, "S2.": 22, "S2.C": 12, "S3.": 15, "S4.": 36, "S4.C": 7}
WALK = [*(f"W{step}" for step in range(11)), "W5b"]
UNTESTABLE = {"S4.2"}  # a name that was looked for
RANGE = re.compile(rf"{ID.pattern}\s*(?:-|\.\.|to\b|and\b)\s*[SW\d]")


def test_no_row_has_vanished() -> None:
    expected = [f"{source}{number}" for source, count in ROWS.items() for number in range(1, count + 1)]
    assert sorted(rows(PAGE.read_text())) == sorted(expected + WALK)


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    assert rows(PAGE.read_text()).keys() - UNTESTABLE == carried().keys()


def test_the_page_names_the_tests() -> None:
    page = PAGE.read_text()
    assert fill(page, carried()) == page, "python tests/sources.py"
    assert {number for number, files in rows(page).items() if files == NOTHING} == UNTESTABLE


def test_each_id_is_written_out() -> None:
    ranges = [(path.name, words) for path in TESTS.rglob("test_*.py") for words in said(path) if RANGE.search(words)]
    assert ranges == []


SAMPLE = '''"""S1.1: of the module."""

def test_one():
    """S1.2, S1.20: two.

    S4.C5: one more; not S1.3x.
    """

def helper():
    """S1.4: of no test."""
'''


def test_what_a_test_carries(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/test_it.py").write_text(SAMPLE)
    (tmp_path / "other.py").write_text(SAMPLE)
    assert carried(tmp_path) == {number: ["deep/test_it"] for number in ("S1.2", "S1.20", "S4.C5")}
    page = "| S1.2 | a \\| b | c | old |\n| S1.20 | x | y | nothing to test |\n| S1.5 | x | y | old |\n| other | x |\n"
    assert fill(page, carried(tmp_path)) == page.replace("c | old", "c | deep/test_it").replace("old", "**none**")
    with pytest.raises(ValueError, match=r"S1\.2 has two rows"):
        rows(page * 2)
