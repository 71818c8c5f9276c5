"""`isobuild key`: made once, shown, handed out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sites import Site

from cli.conftest import Call
from isobuild.trust import keys


@pytest.fixture(autouse=True)
def gnupg(needed: Callable[[str], str]) -> None:
    needed("gpg")


def test_it_is_made_once_and_shown_from_then_on(call: Call, site: Site) -> None:
    said = call("key", "--name", "Tea <tea@example.org>")
    assert said.code == 0
    assert keys.FINGERPRINT.fullmatch(said.out.strip())
    assert f"Keep a copy of {site.home}/signing" in said.err
    assert call("key").out == said.out
    told = json.loads(call("key", "--json").out)
    assert told["fingerprint"] == said.out.strip()
    assert told["public"].startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert "PRIVATE" not in json.dumps(told)


def test_without_a_name_it_is_the_hosts(call: Call, site: Site) -> None:
    assert call("key").code == 0
    assert (site.home / "signing").stat().st_mode & 0o777 == 0o700


def test_it_is_given_to_people(call: Call, tmp_path: Path) -> None:
    call("key")
    public = call("key", "--export").out
    assert public.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert call("key", "--output", tmp_path / "key.asc").out == f"{tmp_path}/key.asc\n"
    assert (tmp_path / "key.asc").read_text() == public


def test_one_that_is_there_already_is_taken(call: Call, site: Site, tmp_path: Path) -> None:
    assert call("key", "--import", tmp_path / "no").code == 2
    call("key")
    said = call("key", "--import", tmp_path / "no")
    assert (said.code, "This site has a key already" in said.err) == (2, False)
    assert "a file that can be read" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--export"], 4, "There is no key of this site. 'isobuild key' makes one"),
        (["--name", "1"], 2, "name: '1' can't be used: a name of 2 to 120 characters"),
        (["--import", "/nonexistent"], 2, "import: '/nonexistent' can't be used: a file that can be read"),
    ],
)
def test_what_can_not_be(call: Call, site: Site, arguments: list[str], code: int, words: str) -> None:
    said = call("key", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert words in said.err
    assert not (site.home / "signing").exists()


def test_another_name_needs_another_key(call: Call) -> None:
    first = call("key").out
    said = call("key", "--name", "Another")
    assert (said.code, said.out) == (3, "")
    assert call("key").out == first


def test_a_place_that_can_not_be_written(call: Call) -> None:
    call("key")
    said = call("key", "-o", "/nonexistent/key.asc")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_a_broken_key(call: Call, site: Site) -> None:
    (site.home / "signing").mkdir()
    said = call("key")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "is broken (public.asc is missing)" in said.err
