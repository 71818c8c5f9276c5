"""What benchmarks print comes into the document by the command, and has its place there."""

from pathlib import Path

import pytest

from bench.__main__ import NAMES
from bench.document import printed, replace
from bench.figures import interleaved, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_the_tables_come_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- queue: printed by python -m bench queue -->\nold\n<!-- end of queue -->\nafter\n",
    )
    replace(page, "queue", "new\n")
    replace(page, "queue", "newer\n")
    assert page.read_text() == (
        "before\n<!-- queue: printed by python -m bench queue -->\n\nnewer\n\n<!-- end of queue -->\nafter\n"
    )


def test_a_document_without_a_place_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    with pytest.raises(ValueError, match="has no place for queue"):
        replace(page, "queue", "new")
    assert page.read_text() == "no marks\n"


def test_the_document_has_a_place_for_every_benchmark(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(DOCUMENT.read_text())
    for name in NAMES:
        replace(page, name, f"the figures of {name}")
        assert f"the figures of {name}" in page.read_text()


def test_what_is_printed_ends_with_the_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(lambda: table(["", "ms"], [["a figure", 1.2345], ["none", float("nan")]]))
    assert text.startswith("|  | ms |\n|---|---:|\n| a figure | 1.23 |\n| none | - |\n")
    assert "cores of" in text.splitlines()[-1]
    assert capsys.readouterr().out == text


def test_works_take_turns_and_the_first_round_is_not_counted() -> None:
    turns: list[str] = []

    def work(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    taken = interleaved({"a": lambda: work("a"), "b": lambda: work("b")}, 2)
    assert turns == ["a", "b"] * 3
    assert taken == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
