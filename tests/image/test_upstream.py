"""What archives offer, asked of real ones: folders, and servers on this machine that do as archives do."""

import os
import pwd
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sites import pids, read

from isobuild.image import upstream

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def sources(uris: str, suites: str = "tea") -> str:
    components = "" if suites.endswith("/") else "Components: main\n"
    return f"Types: deb\nURIs: {uris}\nSuites: {suites}\n{components}"


def release(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"Suite: {text}\n")


class Mirror(ThreadingHTTPServer):
    """An archive on this machine, whose one Release file is `text`; `way` is how it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.text = "Suite: tea\n"
        self.way = "whole"
        self.asked: list[str] = []
        self.headers = ""
        self.clients: list[tuple[int, str]] = []


class Answer(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers = str(self.headers)
        self.server.clients.append((uid_of(self.client_address[1]), environment_of(self.server.url)))
        getattr(self, self.server.way)()

    def whole(self) -> None:
        found = self.path.endswith("/Release")
        self._start(200 if found else 404, len(self.server.text) if found else 0)
        self.wfile.write(self.server.text.encode() if found else b"")

    def cut_off(self) -> None:
        self._start(200, 1000)
        self.wfile.write(self.server.text.encode())

    def huge(self) -> None:
        self._start(200, 64 << 20)
        for _ in range(64):
            self.wfile.write(bytes(1 << 20))

    def slow(self) -> None:
        """All of it comes, after twenty seconds."""
        self._start(200, 400)
        for _ in range(400):
            self.wfile.write(b"a")
            time.sleep(0.05)

    def _start(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def uid_of(port: int) -> int:
    """The user at the other end of a connection from this port."""
    lines = (line.split() for line in read("/proc/net/tcp").splitlines()[1:])
    return next((int(line[7]) for line in lines if line[1].endswith(f":{port:04X}")), -1)


def environment_of(address: str) -> str:
    """What those who fetch from there know."""
    return "\n".join(read(f"/proc/{pid}/environ") for pid in helpers(address))


def helpers(address: str) -> list[int]:
    return [pid for pid in pids() if "apt-helper" in (line := read(f"/proc/{pid}/cmdline")) and address in line]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as mirror:
        yield mirror


@contextmanager
def serving() -> Iterator[Mirror]:
    with Mirror() as mirror:
        mirror.handle_error = lambda *_: None  # type: ignore[method-assign] # who is cut off complains
        thread = Thread(target=mirror.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield mirror
        finally:
            mirror.shutdown()
            thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "upstream"


def test_a_new_release_makes_another_digest(tmp_path: Path, folder: Path) -> None:
    text = sources(f"file:{tmp_path}/debian")
    release(tmp_path / "debian/dists/tea/Release", "old")
    old = upstream.digest(text, folder, NOW)
    assert old is not None
    assert re.fullmatch("[0-9a-f]{64}", old)
    assert upstream.digest(text, folder, NOW + HOUR) == old
    release(tmp_path / "debian/dists/tea/Release", "new")
    assert upstream.digest(text, folder, NOW + 2 * HOUR) not in (None, old)


def test_a_signed_release_counts_before_an_unsigned_one(tmp_path: Path, folder: Path) -> None:
    text = sources(f"file:{tmp_path}")
    release(tmp_path / "dists/tea/InRelease", "signed")
    signed = upstream.digest(text, folder, NOW)
    release(tmp_path / "dists/tea/Release", "not signed")
    assert upstream.digest(text, folder, NOW + HOUR) == signed


@pytest.mark.parametrize(
    "changed", ["Release", "sub/Release", "main/dists/tea/Release", "main/dists/tea-updates/Release"]
)
def test_each_archive_counts_the_flat_ones_too(tmp_path: Path, folder: Path, changed: str) -> None:
    flat = [sources(f"file:{tmp_path}", suite) for suite in ("/", "sub/")]
    text = "\n".join([*flat, sources(f"copy:{tmp_path}/main/", "tea tea-updates")])
    for path in ("Release", "sub/Release", "main/dists/tea/Release", "main/dists/tea-updates/Release"):
        release(tmp_path / path, path)
    before = upstream.digest(text, folder, NOW)
    release(tmp_path / changed, "new")
    assert None is not before != upstream.digest(text, folder, NOW + HOUR) is not None


def test_what_else_stands_in_the_sources_counts(tmp_path: Path, folder: Path) -> None:
    release(tmp_path / "dists/tea/Release", "tea")
    text = sources(f"file:{tmp_path}")
    assert upstream.digest(text, folder, NOW) != upstream.digest(text.replace("main", "contrib"), folder, NOW)


def test_no_archive_has_nothing_new(folder: Path) -> None:
    assert upstream.digest("", folder, NOW) == upstream.digest("", folder, NOW + 99 * HOUR) is not None
    assert not folder.exists()


def test_sources_that_are_not_understood_are_not_known(folder: Path) -> None:
    assert upstream.digest("deb http://127.0.0.1/debian tea main\n", folder, NOW) is None


def test_an_answer_holds_for_an_hour(mirror: Mirror, folder: Path) -> None:
    text = sources(f"{mirror.url}/debian")
    old = upstream.digest(text, folder, NOW)
    mirror.text = "Suite: new\n"
    assert upstream.digest(text, folder, NOW + HOUR - MINUTE) == old
    assert mirror.asked == ["/debian/dists/tea/InRelease", "/debian/dists/tea/Release"]
    assert upstream.digest(text, folder, NOW + HOUR) not in (None, old)


def test_an_answer_of_a_time_to_come_does_not_hold(mirror: Mirror, folder: Path) -> None:
    text = sources(mirror.url)
    old = upstream.digest(text, folder, NOW + 99 * HOUR)
    mirror.text = "Suite: new\n"
    assert upstream.digest(text, folder, NOW) not in (None, old)


def test_an_archive_that_is_gone_is_taken_at_its_last_word(tmp_path: Path, folder: Path) -> None:
    text = sources(f"file:{tmp_path}")
    release(tmp_path / "dists/tea/Release", "tea")
    known = upstream.digest(text, folder, NOW)
    shutil.rmtree(tmp_path / "dists")
    assert upstream.digest(text, folder, NOW + HOUR) == known is not None
    release(tmp_path / "dists/tea/Release", "back")
    assert upstream.digest(text, folder, NOW + HOUR + MINUTE) not in (None, known)


def test_an_archive_that_never_answered_is_not_known_and_asked_again_in_a_minute(folder: Path, mirror: Mirror) -> None:
    text = sources(mirror.url)
    mirror.way = "cut_off"
    assert upstream.digest(text, folder, NOW) is None
    asked = len(mirror.asked)
    mirror.way = "whole"
    assert upstream.digest(text, folder, NOW + MINUTE / 2) is None
    assert len(mirror.asked) == asked
    assert upstream.digest(text, folder, NOW + MINUTE) is not None


@pytest.mark.parametrize("way", ["cut_off", "huge"])
def test_half_a_release_is_none(folder: Path, mirror: Mirror, way: str) -> None:
    mirror.way = way
    assert upstream.digest(sources(mirror.url), folder, NOW, limit=30) is None


def test_a_slow_archive_is_not_waited_for(folder: Path, mirror: Mirror) -> None:
    mirror.way = "slow"
    assert upstream.digest(sources(mirror.url), folder, NOW, limit=0.3) is None
    assert helpers(mirror.url) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}'])
def test_a_damaged_note_is_written_anew(folder: Path, mirror: Mirror, text: str) -> None:
    known = upstream.digest(sources(mirror.url), folder, NOW)
    (note,) = folder.iterdir()
    whole = note.read_text()
    note.write_text(text)
    assert upstream.digest(sources(mirror.url), folder, NOW) == known
    assert [each.read_text() for each in folder.iterdir()] == [whole]


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path, mirror: Mirror) -> None:
    (tmp_path / "file").touch()
    assert upstream.digest(sources(mirror.url), tmp_path / "file", NOW) is not None


def test_several_may_ask_at_once(folder: Path, mirror: Mirror) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: upstream.digest(sources(mirror.url), folder, NOW), range(4)))
    assert len(set(answers)) == 1
    assert None not in answers
    assert len(list(folder.iterdir())) == 1


def test_a_proxy_is_used_and_its_copies_are_not(folder: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", mirror.url)
    assert upstream.digest(sources("http://mirror.invalid/debian"), folder, NOW) is not None
    assert mirror.asked[-1] == "http://mirror.invalid/debian/dists/tea/Release"
    assert "no-cache" in mirror.headers


def test_who_fetches_knows_nothing_of_isobuild(folder: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_DATABASE", "mariadb+pymysql://isobuild:geheim@db/isobuild")
    upstream.digest(sources(mirror.url), folder, NOW)
    (_, known), *_ = mirror.clients
    assert "PATH=" in known
    assert "geheim" not in known


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_lets_another_user_fetch(folder: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp")  # where that user can write
    upstream.digest(sources(mirror.url), folder, NOW)
    assert {uid for uid, _ in mirror.clients} == {pwd.getpwnam("_apt").pw_uid}
