"""Fetching packages: what is there is not fetched, and the helper's lines tell the progress."""

from dataclasses import replace
from pathlib import Path, PurePath

import pytest
import sh

from image.places import PLACE, SNAPSHOT, package
from isobuild.image import fetch

CUP, TEA = package("cup"), package("tea", "1:2.0-3")


def test_nothing_is_fetched_that_is_there() -> None:
    place = replace(PLACE, have=frozenset({CUP.sha256, TEA.sha256}))
    assert fetch.fetch(place, (CUP, TEA)) == ()
    assert fetch.files(place, (CUP, TEA)) == {"fetch.list": ""}


def test_the_command() -> None:
    folder, step = fetch.fetch(replace(PLACE, have=frozenset({CUP.sha256})), (CUP, TEA))
    assert " ".join(folder.argv) == "mkdir -p /b/out/packages"
    assert " ".join(step.argv) == (
        "xargs -a /b/in/fetch.list -L 200 /usr/lib/apt/apt-helper -o Acquire::Retries=3 download-file"
    )
    assert step.leaves == "packages"


def test_logins_come_from_a_file() -> None:
    _, step = fetch.fetch(PLACE, (TEA,), login=True)
    assert "Dir::Etc::netrc=/b/in/logins" in step.argv
    assert fetch.files(PLACE, (TEA,), "machine example.org login ana password sesame\n")["logins"].endswith("sesame\n")


@pytest.mark.parametrize(("line", "done"), [("Get:1 http://mirror.example.org/x [1 kB]", 0.5), ("Fetched 2 kB", None)])
def test_the_progress(line: str, done: float | None) -> None:
    _, step = fetch.fetch(PLACE, (CUP, TEA))
    assert step.fraction(line) == done


def test_the_list_is_what_the_helper_takes(tmp_path: Path) -> None:
    """Three words for each package; a line is never cut in two."""
    place = replace(PLACE, out=PurePath(tmp_path))
    (tmp_path / "list").write_text(fetch.files(place, SNAPSHOT.packages)["fetch.list"])
    said = str(sh.Command("xargs")("-a", str(tmp_path / "list"), "-L", "200", "printf", "%s|%s|%s\n")).splitlines()
    assert said == [f"{each.uri}|{tmp_path}/packages/{each.file}|SHA256:{each.sha256}" for each in SNAPSHOT.packages]
