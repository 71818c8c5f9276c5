"""The cache: content by its hash, stages by their keys; whole or not at all, whoever is killed."""

import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from isobuild.store.cache import Cache, Made

TEA, CUP = b"tea" * 1000, b"cup" * 1000


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1 << 20)


def take(cache: Cache, content: bytes) -> str:
    taken = cache.take(io.BytesIO(content))
    assert taken
    return taken


def test_content_is_kept_under_its_hash(cache: Cache, tmp_path: Path) -> None:
    tea = take(cache, TEA)
    assert tea == hashlib.sha256(TEA).hexdigest()
    assert cache.has(tea)
    assert cache.give(tea, tmp_path / "deep" / "tea")
    assert (tmp_path / "deep" / "tea").read_bytes() == TEA


def test_what_is_given_may_be_read_only(cache: Cache, tmp_path: Path) -> None:
    cache.give(take(cache, TEA), tmp_path / "tea")
    assert (tmp_path / "tea").stat().st_mode & 0o777 == 0o444


def test_what_is_not_here_is_not_given(cache: Cache, tmp_path: Path) -> None:
    assert not cache.give("0" * 64, tmp_path / "tea")
    assert not (tmp_path / "tea").exists()


def test_uses_of_a_stage_are_counted_as_long_as_it_is_kept(cache: Cache) -> None:
    cache.keep("key", Made("base", 1.5, {"tea": take(cache, TEA)}))
    assert cache.uses("key") == 0
    cache.use("key")
    cache.use("key")
    assert (cache.uses("key"), cache.uses("other")) == (2, 0)
    cache.prune(0)
    assert cache.uses("key") == 0


def test_content_that_should_have_another_hash_is_refused(cache: Cache) -> None:
    assert cache.take(io.BytesIO(TEA), "0" * 64) is None
    assert cache.held().files == 0


class Changing(io.BytesIO):
    """A file that somebody changes as soon as it was read once."""

    def seek(self, offset: int, whence: int = 0) -> int:
        super().__init__(CUP)
        return 0


def test_what_is_kept_has_its_name_whoever_changes_the_file_meanwhile(cache: Cache, tmp_path: Path) -> None:
    taken = cache.take(Changing(TEA))
    assert taken
    cache.give(taken, tmp_path / "tea")
    assert hashlib.sha256((tmp_path / "tea").read_bytes()).hexdigest() == taken


def test_the_same_content_is_kept_once(cache: Cache) -> None:
    assert take(cache, TEA) == take(cache, TEA)
    assert (cache.held().files, cache.held().bytes) == (1, len(TEA))


def test_a_stage_is_found_by_its_key_while_all_its_files_are_here(cache: Cache) -> None:
    made = Made("base", 20.5, {"a": take(cache, TEA), "b": take(cache, CUP)})
    cache.keep("key", made)
    assert cache.find("key") == made
    assert cache.held().stages == {"key": made}
    (cache.folder / "files" / made.files["b"]).unlink()
    assert cache.find("key") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "base", "other": 1}'])
def test_a_damaged_stage_is_none(cache: Cache, content: str) -> None:
    cache.keep("key", Made("base", 1.0))
    path = cache.folder / "stages" / "key"
    path.chmod(0o644)
    path.write_text(content)
    assert cache.find("key") is None


def test_what_was_used_the_longest_ago_goes_first(cache: Cache, tmp_path: Path) -> None:
    tea, cup = take(cache, TEA), take(cache, CUP)
    for name in (tea, cup):
        os.utime(cache.folder / "files" / name, (1000, 1000))
    cache.give(tea, tmp_path / "tea")
    assert cache.prune(len(TEA)) == len(CUP)
    assert (cache.has(tea), cache.has(cup)) == (True, False)


def test_what_a_build_was_given_stays_its_own(cache: Cache, tmp_path: Path) -> None:
    cache.give(take(cache, TEA), tmp_path / "tea")
    cache.prune(0)
    assert (tmp_path / "tea").read_bytes() == TEA


def test_a_stage_without_its_files_goes_too(cache: Cache) -> None:
    cache.keep("key", Made("base", 1.0, {"a": take(cache, TEA)}))
    cache.prune(0)
    assert not list((cache.folder / "stages").iterdir())


def test_an_empty_cache_holds_nothing(cache: Cache) -> None:
    assert cache.held().stages == {}
    assert cache.prune() == 0


TURN = """
import sys, time
from pathlib import Path
from isobuild.store.cache import Cache
with Cache(Path(sys.argv[1]), 0).turn("key", lambda: time.sleep(0.01)):
    print("mine", flush=True)
    sys.stdin.readline()
"""


def other(cache: Cache) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", TURN, str(cache.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


class Waited(Exception):
    """It has to wait."""


def refuse() -> None:
    raise Waited


def test_one_makes_a_stage_and_the_others_wait(cache: Cache) -> None:
    with other(cache) as first:
        assert first.stdout and first.stdout.readline() == "mine\n"
        with pytest.raises(Waited), cache.turn("key", refuse):
            pytest.fail("two at once")
        with cache.turn("another", refuse):
            pass
        first.communicate("\n")
    with cache.turn("key", refuse):
        pass


def test_who_is_killed_holds_nobody_up(cache: Cache) -> None:
    with other(cache) as first:
        assert first.stdout and first.stdout.readline() == "mine\n"
        first.send_signal(signal.SIGKILL)
    with cache.turn("key", refuse):
        pass


def test_a_part_that_was_left_goes_when_it_is_old(cache: Cache) -> None:
    take(cache, TEA)
    old, new = (cache.folder / "files" / f".{name}.part" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(CUP)
    os.utime(old, (1000, 1000))
    cache.prune()
    assert (old.exists(), new.exists()) == (False, True)
    assert cache.held().files == 1


def test_a_disk_without_room_for_builds_takes_back_what_is_kept(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    take(cache, TEA)
    cache.prune()
    assert cache.held().files == 1
    monkeypatch.setattr("isobuild.store.cache.RESERVE", 1 << 60)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(total=1000 << 30, free=90 << 30))
    cache.prune()
    assert cache.held().files == 0


def test_a_lock_that_nobody_holds_is_swept_and_one_that_is_held_stays(cache: Cache) -> None:
    with cache.turn("gone", lambda: None):
        pass
    with cache.turn("held", lambda: None):
        cache.prune()
        assert [path.name for path in (cache.folder / "turns").iterdir()] == ["held"]
