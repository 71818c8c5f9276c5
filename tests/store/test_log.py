"""A build's log: whole lines with times and streams, within its limit, whatever programs print."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isobuild.runner.log import LONGEST, Log, Splitter
from isobuild.store import log
from isobuild.store.log import Line, read

LIMIT = 1 << 20
GARBAGE = "".join(map(chr, range(1, 256))) + "\x00\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e\ufffd🐧\udcff"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "7.log"


def written(path: Path, *lines: tuple[str, str], limit: int = LIMIT) -> list[Line]:
    """The lines of the log after these were written."""
    out = Log(path, limit)
    for stream, text in lines:
        out.write(stream, text)
    out.close()
    return read(path)[0]


# writing


def test_lines_keep_their_order_their_streams_and_their_times(path: Path) -> None:
    began = datetime.now(UTC)
    lines = written(path, ("run", "begins"), ("out", "one two  three "), ("err", ""), ("out", "end"))
    assert [(line.stream, line.text) for line in lines] == [
        ("run", "begins"), ("out", "one two  three "), ("err", ""), ("out", "end"),
    ]  # fmt: skip
    times = [datetime.fromisoformat(line.time) for line in lines]
    assert [began, *times] == sorted([began, *times])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.time) for line in lines)


def test_a_log_is_added_to(path: Path) -> None:
    written(path, ("out", "one"))
    assert [line.text for line in written(path, ("out", "two"))] == ["one", "two"]


def test_a_text_of_several_lines_is_several_lines(path: Path) -> None:
    assert [(line.stream, line.text) for line in written(path, ("err", "one\ntwo\n"))] == [
        ("err", "one"), ("err", "two"), ("err", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("before", [0, 1])
def test_a_full_log_says_so_once_and_keeps_no_more(path: Path, before: int) -> None:
    """Also when it was begun by another runner before."""
    limit = 2000
    for _ in range(before):
        written(path, ("out", "x" * 900), limit=limit)
    lines = written(path, *[("out", "x" * 100)] * 50, limit=limit)
    assert lines[-1][1:] == ("run", "The log is full: what comes now is not kept.")
    assert sum("full" in line.text for line in lines) == 1
    assert path.stat().st_size < limit + 100


def test_a_full_log_is_not_told_so_again_by_the_next_runner(path: Path) -> None:
    for _ in range(3):
        lines = written(path, *[("out", "x" * 100)] * 50, limit=2000)
    assert sum("full" in line.text for line in lines) == 1


def test_anything_that_programs_print_is_one_line(path: Path) -> None:
    text = GARBAGE.replace("\n", "").replace("\r", "")
    (line,) = written(path, ("out", text))
    assert line.text == text.replace("\udcff", "?")


def test_a_long_line_is_cut(path: Path) -> None:
    (line,) = written(path, ("out", "🐧" * (LONGEST + 5)))
    assert line.text == "🐧" * LONGEST


def test_writers_at_once_do_not_mix_their_lines(path: Path) -> None:
    out = Log(path, 8 << 20)

    def write(stream: str) -> None:
        for number in range(300):
            out.write(stream, f"{stream} {number} " + "x" * 2000)

    threads = [Thread(target=write, args=(stream,)) for stream in ("out", "err", "run")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.close()
    lines = read(path)[0]
    assert len(lines) == 900
    for stream in ("out", "err", "run"):
        numbers = [line.text.split()[:2] for line in lines if line.stream == stream]
        assert numbers == [[stream, str(number)] for number in range(300)]
    assert all(first.time <= second.time for first, second in pairwise(lines))


def test_the_tail_prefers_what_stderr_said(path: Path) -> None:
    out = Log(path, LIMIT)
    assert (out.tail(), out.heard("out")) == ("it printed nothing", False)
    for number in range(5):
        out.write("out", f" line {number} ")
    out.write("run", "done")
    assert out.tail() == "line 2 / line 3 / line 4"
    assert out.tail(1) == "line 4"
    out.write("err", "E: no such package")
    out.write("err", "  ")
    assert out.tail() == "E: no such package"
    assert (out.heard("err"), out.heard("nobody")) == (True, False)
    out.close()


# reading


def test_a_log_that_is_not_there_has_no_lines(path: Path) -> None:
    assert read(path) == ([], 0)
    assert read(path, 17) == ([], 17)


def test_half_a_line_is_never_given(path: Path) -> None:
    whole = "2026-11-21T07:00:00.000001Z out tea 🐧\n2026-11-21T07:00:00.000002Z err pot\n".encode()
    first_end = whole.index(b"\n") + 1
    path.parent.mkdir()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        lines, offset = read(path)
        assert offset == (len(whole) if size == len(whole) else first_end if size >= first_end else 0)
        assert len(lines) == (offset > 0) + (offset == len(whole))
        path.write_bytes(whole)
        assert [line.text for line in lines + read(path, offset)[0]] == ["tea 🐧", "pot"]


def test_reading_goes_on_where_it_ended(path: Path) -> None:
    offset, seen = 0, []
    for number in range(5):
        written(path, ("out", f"line {number}"))
        lines, offset = read(path, offset)
        seen += lines
        assert read(path, offset) == ([], offset)
    assert [line.text for line in seen] == [f"line {number}" for number in range(5)]


def test_a_log_longer_than_one_look_is_read_in_several(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = written(path, *[("out", f"line {number} " + "é" * 50) for number in range(100)])
    monkeypatch.setattr(log, "CHUNK", 500)
    offset, seen = 0, []
    while True:
        lines, offset = read(path, offset)
        if not lines:
            break
        seen += lines
    assert seen == expected


def test_the_longest_line_fits_into_one_look(path: Path) -> None:
    assert LONGEST * 4 + 100 < log.CHUNK


def test_a_log_that_somebody_spoilt_is_still_read(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\n \nword\nT out \xff\xfe\x00\nT err\n")
    assert read(path)[0] == [
        Line("", "", ""), Line("", "", ""), Line("word", "", ""), Line("T", "out", "\ufffd\ufffd\x00"),
        Line("T", "err", ""),
    ]  # fmt: skip


# hearing lines


def heard(*chunks: str) -> list[str]:
    splitter = Splitter()
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.end()


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        (["one\ntwo\n"], ["one", "two"]),
        (["on", "e\ntw", "o"], ["one", "two"]),
        (["\n\n"], ["", ""]),
        (["10%\r20%\r30%\n"], ["10%", "20%", "30%"]),
        (["10%\r", "20%\r"], ["10%", "20%"]),
        (["dos\r\nlines\r\n"], ["dos", "lines"]),
        (["dos\r", "\nlines\r", "\n"], ["dos", "lines"]),
        (["a\x0bb\x0cc\x85d\u2028e\n"], ["a\x0bb\x0cc\x85d\u2028e"]),
    ],
)
def test_chunks_become_lines(chunks: list[str], lines: list[str]) -> None:
    assert heard(*chunks) == lines


def test_an_endless_line_is_cut_and_nothing_of_it_is_lost() -> None:
    splitter = Splitter()
    lines = [line for _ in range(100) for line in splitter.feed("x" * 1000)]
    assert "".join(lines + splitter.end()) == "x" * 100_000
    assert all(len(line) <= LONGEST + 1000 for line in lines)


@given(st.lists(st.text(alphabet="ab\n", max_size=9), max_size=9))
def test_however_it_is_cut_it_is_the_same_lines(chunks: list[str]) -> None:
    assert heard(*chunks) == heard("".join(chunks))


def test_a_plain_line_commands_no_terminal() -> None:
    told = Line("", "out", "\x1b[31mred\x1b[0m, \x1b]0;a title\x07\x9b2J and a\ttab")
    assert told.plain == "red, ]0;a title2J and a\ttab"


def test_a_full_disk_does_not_end_the_listening() -> None:
    log = Log(Path("/dev/full"), 1000)
    log.write("err", "No space left on device")
    assert log.tail() == "No space left on device"
    log.close()
