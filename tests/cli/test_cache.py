"""`isobuild cache`: what a host keeps for other builds, and letting go of it."""

import io
import json

import pytest
from sites import Site

from cli.conftest import Call
from isobuild.store.cache import Cache, Made


@pytest.fixture
def cache(site: Site) -> Cache:
    made = Cache(site.home / "cache", 20 << 30)
    kernel = made.take(io.BytesIO(b"k" * (3 << 20)))
    made.take(io.BytesIO(b"a package"))
    assert kernel
    made.keep("0123456789abcdef", Made("base", 20.5, {"kernel": kernel}))
    return made


def test_it_shows_stages_with_their_sizes_and_what_all_takes(call: Call, cache: Cache) -> None:
    said = call("cache")
    assert said.code == 0
    (line,) = [line.split() for line in said.out.splitlines() if "base" in line]
    assert line == ["base", "0123456789ab", "20.5", "3.0", "MiB"]
    assert "used again" not in said.err
    assert f"2 files, packages and stages: 3.0 MiB of 20.00 GiB, in {cache.folder}" in said.err


def test_it_tells_how_often_a_stage_was_used_again_and_what_that_saved(call: Call, cache: Cache) -> None:
    for _ in range(3):
        cache.use("0123456789abcdef")
    said = call("cache")
    (line,) = [line.split() for line in said.out.splitlines() if "base" in line]
    assert line[5:] == ["3", "times", "61.5", "s"]
    assert "These stages were used again 3 times, which saved 61.5 s." in said.err
    shown = json.loads(call("cache", "--json").out)
    assert (shown["uses"], shown["saved"], shown["stages"][0]["uses"]) == (3, 61.5, 3)


def test_as_json(call: Call, cache: Cache) -> None:
    shown = json.loads(call("cache", "--json").out)
    assert (shown["files"], shown["bytes"], shown["limit"]) == (2, (3 << 20) + 9, 20 << 30)
    assert shown["stages"][0]["seconds"] == 20.5


def test_before_the_first_build_it_is_empty(call: Call) -> None:
    assert json.loads(call("cache", "--json").out)["stages"] == []


def test_what_is_too_much_goes(call: Call, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(call("cache", "--prune", "--json").out) == {"bytes": 0}
    monkeypatch.setenv("ISOBUILD_CACHE_SIZE", "1000")
    assert json.loads(call("cache", "--prune", "--json").out)["bytes"] >= 3 << 20
    assert cache.held().stages == {}


def test_everything_goes(call: Call, cache: Cache) -> None:
    assert call("cache", "--empty").err == "3.0 MiB went.\n"
    assert cache.held().files == 0


def test_a_cache_that_is_switched_off_says_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_CACHE_SIZE", "0")
    assert "switched off (cache_size = 0)" in call("cache").err
