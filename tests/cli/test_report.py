"""Seed 0's callback: a report ends its own running build, once; any other changes nothing and says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Site, wait_for

from cli.conftest import Call

LATER = "#!/bin/sh\necho 'isobuild: later'\n"


@pytest.fixture
def waiting(site: Site) -> Iterator[Site]:
    """A site whose build 1 waits for its report, with a runner that holds it."""
    site.order(text=LATER)
    site.tick()
    wait_for(lambda: site.row().percent == 98)
    yield site


@pytest.fixture
def token(waiting: Site, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of build 1, in the environment."""
    token = waiting.row().token or ""
    monkeypatch.setenv("ISOBUILD_TOKEN", token)
    return token


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    path = tmp_path / "made elsewhere"
    path.write_text("an ISO")
    return path


def test_a_build_that_ends_elsewhere(waiting: Site, call: Call, token: str, iso: Path, tmp_path: Path) -> None:
    """S0.16, S0.C6: the callback: a command with the build's number and token."""
    (tmp_path / "token").write_text(f"{token}\n")
    assert call("report", 1, "progress", "50%", "far", "away").err == "Build 1 is at 50%.\n"
    assert (waiting.build()["percent"], waiting.build()["step"]) == (50.0, "far away")
    said = call("report", 1, "done", iso, "--token-file", tmp_path / "token")
    assert (said.code, said.err) == (0, "Build 1 is done, and its task is ready.\n")
    assert (waiting.task()["state"], waiting.build()["state"]) == ("ready", "succeeded")
    assert [path.read_text() for path in waiting.isos()] == ["an ISO"]
    wait_for(waiting.is_clear)

    iso.write_text("another ISO")
    before = waiting.task(), waiting.builds()
    for late in (("progress", 60), ("done", iso), ("failed", "too late")):
        said = call("report", 1, *late)
        assert said == (3, "", "isobuild: The report changes nothing: build 1 has ended already (succeeded).\n")
    assert (waiting.task(), waiting.builds()) == before
    assert [path.read_text() for path in waiting.isos()] == ["an ISO"]


def test_a_build_that_fails_elsewhere(waiting: Site, call: Call, token: str) -> None:
    said = call("report", 1, "failed", "the mirror is down", "--cause", "upstream")
    assert (said.code, said.err) == (0, "Build 1 has failed.\n")
    build = waiting.build()
    assert (build["state"], build["cause"], build["error"]) == ("failed", "upstream", "the mirror is down")
    assert waiting.task()["state"] == "pending"
    wait_for(waiting.is_clear)


@pytest.mark.parametrize(
    ("build", "token", "why"),
    [
        (1, "0" * 32, "the token is not the one of build 1"),
        (1, "é", "the token is not the one of build 1"),
        (2, "0" * 32, "the token is not the one of build 2"),  # it waits, so it has none
        (9, "0" * 32, "there is no build 9"),
    ],
)
@pytest.mark.parametrize("what", [("progress", 10), ("done", "ISO"), ("failed",)], ids=lambda what: what[0])
def test_a_report_of_a_stranger(
    site: Site, call: Call, iso: Path, monkeypatch: pytest.MonkeyPatch, build: int, token: str, why: str,
    what: tuple[object, ...],
) -> None:  # fmt: skip
    site.order("a")
    site.order("b")
    site.flag(slots=2)
    monkeypatch.setenv("ISOBUILD_TOKEN", token)
    before = [(site.task(number), site.builds(number)) for number in (1, 2)]
    said = call("report", build, *(iso if word == "ISO" else word for word in what))
    assert said == (3, "", f"isobuild: The report changes nothing: {why}.\n")
    assert [(site.task(number), site.builds(number)) for number in (1, 2)] == before
    assert site.stored() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("finished",), "WHAT: 'finished' can't be used: progress, done, failed."),
        (("progress", "half"), "PERCENT: 'half' can't be used: a number from 0 to 100."),
        (("progress", "101"), "PERCENT: '101' can't be used"),
        (("progress",), "PERCENT: '' can't be used"),
        (("failed", "--cause", "lost"), "cause: 'lost' can't be used: request, upstream, host."),
        (("done",), "FILE: '' can't be used: the one finished ISO."),
        (("done", "."), "FILE: '.' can't be used: a file that can be read"),
        (("done", "a", "b"), "FILE: 'a b' can't be used"),
        (("progress", "1", "--token-file", "/no/such/file"), "token-file: '/no/such/file' can't be used"),
    ],
)
def test_bad_input(
    site: Site, call: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    site.order()
    number, token = site.flag()
    monkeypatch.setenv("ISOBUILD_TOKEN", token)
    said = call("report", number, *words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert sentence in said.err
    assert site.build()["busy"]


def test_a_file_that_is_not_there(site: Site, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    site.order()
    number, token = site.flag()
    assert call("report", number, "progress", 1).code == 2  # no token
    monkeypatch.setenv("ISOBUILD_TOKEN", token)
    assert call("report", number, "done", "/no/such.iso").code == 4
    assert site.build()["busy"]


def test_a_report_after_one_that_was_killed_half_way(
    site: Site, call: Call, iso: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.order()
    number, token = site.flag()
    (site.home / "store/1").mkdir()
    (site.home / "store/1/.first.iso.part").write_text("an")
    monkeypatch.setenv("ISOBUILD_TOKEN", token)
    said = call("report", number, "done", iso)
    assert (said.code, said.err) == (0, "Build 1 is done, and its task is ready.\n")
    assert [path.read_text() for path in site.isos()] == ["an ISO"]
