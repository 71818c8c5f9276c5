"""What people type: each wrong option is answered with its name, what was given, and what may be."""

from pathlib import Path
from typing import Any

import pytest

from isobuild.errors import InvalidOption, UnknownOption
from isobuild.recipes import Cookbook

WRONG: list[tuple[str, object, str]] = [
    ("packages", "two words", "the name of a Debian package"),
    ("packages", ["htop", "../x"], "the name of a Debian package"),
    ("packages", [""], "the name of a Debian package"),
    ("packages", "a" * 300, "the name of a Debian package"),
    ("packages", "Htop", "the name of a Debian package"),
    ("packages", "--purge", "the name of a Debian package"),
    ("packages", "htop\nnano", "the name of a Debian package"),
    ("packages", "a;reboot", "the name of a Debian package"),
    ("packages", 7, "a valid tuple"),
    ("suite", "sarge", "a release of Debian, one of bullseye, bookworm"),
    ("suite", "../trixie", "a release of Debian"),
    ("suite", "bullseye", "bookworm or a later release"),
    ("exclude", ["nano", "live-boot"], "packages that no live system needs"),
    ("mirror", "ftp://mirror.example.org/debian", "the http or https address of a Debian mirror"),
    ("mirror", "https://me:secret@mirror.example.org/debian", "without a password"),
    ("mirror", "https://mirror.example.org/a b", "the http or https address"),
    ("mirror", "https://mirror.example.org/\nSuites: x", "the http or https address"),
    ("hostname", "-tea", "a host name: 1 to 63 of"),
    ("hostname", "tea_time", "a host name: 1 to 63 of"),
    ("hostname", "tea\n", "a host name: 1 to 63 of"),
    ("hostname", "", "a host name: 1 to 63 of"),
    ("hostname", "a" * 64, "a host name: 1 to 63 of"),
    ("username", "root", "not one of the system's"),
    ("username", "1st", "beginning with a letter"),
    ("username", "a b", "a user name: 1 to 31"),
    ("username", "$(id)", "a user name: 1 to 31"),
    ("locale", "klingon", "a UTF-8 locale, such as id_ID.UTF-8"),
    ("locale", "en_US.ISO-8859-1", "a UTF-8 locale, such as id_ID.UTF-8"),
    ("timezone", "Mars/Phobos", "a time zone, such as Asia/Jakarta"),
    ("timezone", "../../etc/passwd", "a time zone, such as Asia/Jakarta"),
    ("keyboard", "qwertz", "a keyboard layout, one of af al am"),
    ("architecture", "arm64", "'amd64'"),
    ("compression", "zip", "one of 'fast', 'balanced' or 'small'"),
    ("recommends", "perhaps", "yes or no"),
    ("title", "two\nlines", "one line of 1 to 78 printable ASCII characters"),
    ("title", "", "one line of 1 to 78 printable ASCII characters"),
]


@pytest.mark.parametrize(("field", "given", "allowed"), WRONG)
def test_a_wrong_option_says_what_may_be(field: str, given: object, allowed: str) -> None:
    """S0.C7: nothing gets into a command that it could break."""
    with pytest.raises(InvalidOption) as caught:
        Cookbook().parse("debian-live", {field: given})
    assert caught.value.field == field
    assert allowed in str(caught.value)


def test_of_a_list_the_bad_one_is_shown() -> None:
    with pytest.raises(InvalidOption, match=r"packages: '\.\./x' is not allowed"):
        Cookbook().parse("debian-live", {"packages": ["htop", "../x", "nano"]})


def test_an_unknown_option_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownOption, match=r"colour: recipe tiny has no such option .* it has: suite, mirror, host"):
        Cookbook().parse("tiny", {"colour": "green"})


@pytest.mark.parametrize("given", ["htop, nano ,vim-tiny", ["htop", "nano", "vim-tiny"]])
def test_a_list_may_be_typed_as_one_text(given: object) -> None:
    """S0.2: his list_aplikasi, with commas."""
    chosen = Cookbook().parse("debian-live", {"packages": given})
    assert chosen.model_dump()["packages"] == ("htop", "nano", "vim-tiny")


@pytest.mark.parametrize("given", ["", " ", []])
def test_an_empty_list_is_one(given: object) -> None:
    assert Cookbook().parse("debian-live", {"packages": given}).model_dump()["packages"] == ()


@pytest.mark.parametrize("field", ["suite", "mirror"])
def test_an_empty_text_is_no_choice(field: str) -> None:
    assert Cookbook().parse("tiny", {field: ""}) == Cookbook().parse("tiny", {})


@pytest.mark.parametrize(("given", "chosen"), [("yes", True), ("0", False), ("on", True), (False, False)])
def test_yes_and_no_may_be_typed(given: object, chosen: bool) -> None:
    assert Cookbook().parse("debian-live", {"recommends": given}).model_dump()["recommends"] is chosen


@pytest.mark.parametrize("recipe", ["tiny", "debian-live"])
def test_what_is_dumped_is_json_and_can_be_parsed(recipe: str) -> None:
    import json

    cookbook = Cookbook()
    chosen = cookbook.parse(recipe, {"hostname": "tea"})
    assert cookbook.parse(recipe, json.loads(json.dumps(cookbook.dump(chosen)))) == chosen


@pytest.fixture
def site(tmp_path: Path) -> Path:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name, mode in {"brew": 0o755, "notes": 0o644}.items():
        (scripts / name).write_text("#!/bin/sh\n")
        (scripts / name).chmod(mode)
    return tmp_path


SCRIPTS: list[tuple[dict[str, Any], str]] = [
    ({}, "script: None is not allowed: it is needed: the name of an executable"),
    ({"script": "../brew"}, "without a path"),
    ({"script": "/bin/sh"}, "without a path"),
    ({"script": ".."}, "without a path"),
    ({"script": "coffee"}, "an executable in the site's scripts folder: brew"),
    ({"script": "notes"}, "an executable in the site's scripts folder: brew"),
    ({"script": "brew", "settings": "{"}, "settings: '{' is not allowed: a JSON object"),
    ({"script": "brew", "settings": "[1]"}, "settings: "),
    ({"script": "brew", "arguments": ["a\0b"]}, "arguments: "),
]


@pytest.mark.parametrize(("options", "words"), SCRIPTS)
def test_a_wrong_script_is_refused_when_ordered(site: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Cookbook(site).parse("script", options)
    assert words in str(caught.value)


def test_a_scripts_settings_may_be_typed_as_json(site: Path) -> None:
    """S0.2, S4.11: whatever else a script should know, his theme too."""
    chosen = Cookbook(site).parse("script", {"script": "brew", "settings": '{"theme": "dark"}', "arguments": "-v,x"})
    assert chosen.model_dump() == {"script": "brew", "settings": {"theme": "dark"}, "arguments": ("-v", "x")}
