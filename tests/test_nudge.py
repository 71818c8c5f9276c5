"""A nudge wakes who listens, is never lost between two waits, and hurts nobody when nobody listens."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from isobuild import nudge

AT_ONCE = 0.0
LONG = 60.0  # never waited for, unless something is wrong


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    return tmp_path / "nudge"


@pytest.fixture
def listener(pipe: Path) -> Iterator[nudge.Listener]:
    listener = nudge.Listener(pipe)
    yield listener
    listener.close()


def test_a_nudge_wakes_the_listener_once(pipe: Path, listener: nudge.Listener) -> None:
    assert not listener.wait(AT_ONCE)
    assert nudge.send(pipe)
    assert listener.wait(LONG)
    assert not listener.wait(AT_ONCE)


def test_several_nudges_are_one(pipe: Path, listener: nudge.Listener) -> None:
    for _ in range(5):
        assert nudge.send(pipe)
    assert listener.wait(LONG)
    assert not listener.wait(AT_ONCE)


def test_a_nudge_from_another_process(pipe: Path, listener: nudge.Listener) -> None:
    code = f"from pathlib import Path; from isobuild import nudge; print(nudge.send(Path({str(pipe)!r})))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert listener.wait(LONG)
        assert other.communicate()[0] == b"True\n"
    assert not listener.wait(AT_ONCE)  # its end of the pipe is closed: no wake-up for that


def test_a_full_pipe_is_enough(pipe: Path, listener: nudge.Listener) -> None:
    end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(end, b"." * 4096)
    os.close(end)
    assert nudge.send(pipe)
    assert listener.wait(LONG)


def test_without_a_listener_it_says_so(pipe: Path) -> None:
    assert not nudge.send(pipe)
    nudge.Listener(pipe).close()
    assert pipe.is_fifo()
    assert not nudge.send(pipe)


def test_what_a_stopped_daemon_left_is_used_again(pipe: Path) -> None:
    nudge.Listener(pipe).close()
    again = nudge.Listener(pipe)
    assert nudge.send(pipe)
    assert again.wait(LONG)
    again.close()


def test_the_pipe_is_its_owners(pipe: Path, listener: nudge.Listener) -> None:
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o600


def test_it_ends_with_its_file(pipe: Path, listener: nudge.Listener) -> None:
    pipe.unlink()
    assert not nudge.send(pipe)


def test_a_daemon_that_ends_in_between_is_no_daemon(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised (a BrokenPipeError would be taken for `| head`), and no file stays open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    opens, listener = os.open, nudge.Listener(pipe)

    def open_and_end(path: Path, flags: int) -> int:
        opened = opens(path, flags)
        listener.close()
        return opened

    monkeypatch.setattr("isobuild.nudge.os.open", open_and_end)
    assert not nudge.send(pipe)
    monkeypatch.undo()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_in_its_place_makes_room(pipe: Path) -> None:
    pipe.write_text("a copy")
    assert not nudge.send(pipe)
    assert pipe.read_text() == "a copy"
    listener = nudge.Listener(pipe)
    assert not listener.wait(AT_ONCE)
    assert nudge.send(pipe)
    assert listener.wait(LONG)
    listener.close()
