"""What a script prints: lines of the log, and its progress, whatever it prints."""

from pathlib import Path

import pytest
from sites import Site

from isobuild.runner.carry import SAID, Ear
from isobuild.runner.log import Log
from isobuild.store.log import read


@pytest.mark.parametrize(
    ("line", "percent", "what"),
    [
        ("isobuild: 40% unpacking", "40", "unpacking"),
        ("isobuild: 40%", "40", ""),
        ("isobuild:7.5 % burning the disc", "7.5", "burning the disc"),
        ("isobuild: 100% é ☃", "100", "é ☃"),
    ],
)
def test_progress_that_is_understood(line: str, percent: str, what: str) -> None:
    said = SAID.fullmatch(line)
    assert said
    assert (said["percent"], said["what"]) == (percent, what)


@pytest.mark.parametrize("line", ["isobuild: -1%", "isobuild: much", "x isobuild: 4%", "40%", "isobuild: later on", ""])
def test_anything_else_is_only_a_line(line: str) -> None:
    assert not SAID.fullmatch(line)


def test_an_ear_hears_lines_in_chunks_of_any_size(tmp_path: Path) -> None:
    heard: list[str] = []
    ear = Ear(Log(tmp_path / "log", 1 << 20), heard.append)
    for chunk in ("isobuild: 1", "0% a\r\nisobu", "ild: 20% b\risobuild: 30% c"):
        ear.hear("out", chunk)
    assert heard == ["isobuild: 10% a", "isobuild: 20% b"]
    ear.end()
    assert heard[2:] == ["isobuild: 30% c"]
    assert [line.text for line in read(tmp_path / "log")[0]] == heard


@pytest.mark.parametrize(
    ("name", "prints"),
    [
        ("10 MB without a line's end", "head -c 10000000 /dev/zero | tr '\\0' x"),
        ("binary garbage", "head -c 3000000 /dev/urandom; head -c 300000 /dev/urandom >&2"),
        ("a bar of carriage returns", 'for n in $(seq 1 100); do printf "\\risobuild: $n%% unpacking"; done'),
        ("progress beyond all bounds", "echo 'isobuild: 99999999999999999999% x'; echo 'isobuild: 3% y'"),
    ],
)
def test_whatever_a_script_prints_its_iso_counts(site: Site, name: str, prints: str) -> None:
    site.order(text=f'#!/bin/sh\n{prints}\necho x >"$ISOBUILD_OUT/x.iso"\n')
    build = site.carry(log_size=1 << 20)
    assert (build["state"], build["percent"], build["error"]) == ("succeeded", 100.0, None)
    assert len(site.log()) < (1 << 20) + 10000
    assert all(line.stream in {"out", "err", "run"} for line in read(site.home / "logs/1.log")[0])


def test_an_empty_environment_of_ours_and_no_input(site: Site) -> None:
    site.order(text="#!/bin/sh\n! read -r line && ! env | grep -q -e VIRTUAL_ENV -e DATABASE\nexit $((65 + $?))\n")
    assert site.carry(database=str(site.db.engine.url))["error"] == (
        "Step first.sh ended with exit status 65: it printed nothing"
    )
