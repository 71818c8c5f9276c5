"""`isobuild diff A B`: tasks and files, for people and programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from image.media import STATUS, Pack, pack
from sites import Site

from cli.conftest import Call

__all__ = ["pack"]


@pytest.fixture
def two(pack: Pack) -> tuple[Path, Path]:
    """An ISO, and what became of it."""
    odd = {f"opt/{number:03}": "x" for number in range(60)}
    old = {"etc/hostname": "tea\n", "var/lib/dpkg/status": STATUS}
    new = {"etc/hostname": "green tea\n", "etc/\x1b[31m": "red", "var/lib/dpkg/status": STATUS.replace("5.2-1", "5.3")}
    return (
        pack("a.iso", {"menu": "one"}, {"live/x.squashfs": (old, ())}),
        pack("b.iso", {"menu": "two"}, {"live/x.squashfs": (new | odd, ())}),
    )


def test_two_files(call: Call, two: tuple[Path, Path]) -> None:
    said = call("diff", *two)
    assert said.code == 0
    assert said.out.startswith(f"{two[0]}, 0.4 MiB → {two[1]}, 0.4 MiB (")
    for line in ("Packages: 1 changed", "  ~ bash 5.2-1 → 5.3", "Files of the medium: ", "  ~ /menu  3 B, other bytes",
                 "  + /etc/?[31m  3 B", "  ~ /etc/hostname  4 B → 10 B", "  + /opt  0 B",
                 "    … and 22 more; --json has them all"):  # fmt: skip
        assert line in said.out


def test_as_json(call: Call, two: tuple[Path, Path]) -> None:
    told = json.loads(call("diff", *two, "--json").out)
    assert told["packages"] == {"added": {}, "removed": {}, "changed": {"bash": ["5.2-1", "5.3"]}}
    assert told["a"] == {"file": str(two[0]), "task": None, "label": "TEA", "size": two[0].stat().st_size}
    assert told["system"]["changed"]["/etc/hostname"][1]["size"] == 10
    assert len(told["system"]["added"]) == 62


def test_tasks_by_their_numbers(call: Call, site: Site, two: tuple[Path, Path]) -> None:
    for number, iso in enumerate(two, 1):
        copy = f'cat "$ISOBUILD_IN/../../../{iso.name}" >"$ISOBUILD_OUT/x.iso"'
        site.order(f"task{number}", f"#!/bin/sh -e\n{copy}\n")
        (site.home / iso.name).write_bytes(iso.read_bytes())
        (site.home / iso.name).chmod(0o644)
        assert site.carry()["state"] == "succeeded", site.log(number)
    said = call("diff", 1, 2)
    assert said.out.startswith("task1.iso of task 1, 0.4 MiB → task2.iso of task 2, 0.4 MiB (")
    assert call("diff", 1, 1).out.endswith("\nThe same packages, and the same files.\n")
    assert json.loads(call("diff", two[0], 1, "--json").out)["b"]["task"] == 1


def test_packages_of_an_iso_without_a_system_are_in_the_manifest_beside_it(call: Call, pack: Pack) -> None:
    one, other = pack("a.iso", {"x": ""}, {}), pack("b.iso", {"x": ""}, {})
    one.with_suffix(".manifest").write_text("tea 1\nmilk 1 all\n")
    other.with_suffix(".manifest").write_text("tea 2\n")
    told = json.loads(call("diff", one, other, "--json").out)["packages"]
    assert told == {"added": {}, "removed": {"milk": "1"}, "changed": {"tea": ["1", "2"]}}


@pytest.mark.parametrize(
    ("a", "b", "code", "words"),
    [
        ("a.iso", "no.iso", 2, "B: .*can't be used: an ISO that can be read"),
        ("cut.iso", "a.iso", 2, "A: .*a whole ISO: this has 200000 of the"),
        ("text", "a.iso", 2, "A: .*an ISO 9660 image, which this is not"),
        ("a.iso", "9", 4, "There is no task 9"),
        ("a.iso", "1", 3, "Task 1 is pending"),
    ],
)
def test_bad_input_is_one_sentence(
    call: Call, site: Site, pack: Pack, tmp_path: Path, a: str, b: str, code: int, words: str,
    needed: Callable[[str], str],
) -> None:  # fmt: skip
    import re

    site.order()
    iso = pack("a.iso", {"menu": "one"}, {})
    (tmp_path / "cut.iso").write_bytes(iso.read_bytes()[:200000])
    (tmp_path / "text").write_text("hello")
    said = call("diff", *(each if each.isdecimal() else tmp_path / each for each in (a, b)))
    assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert re.search(words, said.err)
