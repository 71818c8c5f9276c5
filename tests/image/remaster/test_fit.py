"""Whether an order fits the ISO that it is to change."""

import json
from pathlib import Path
from typing import Any

import pytest

from isobuild.image.remaster import fit

STATUS = """Package: bash
Essential: yes
Status: install ok installed
Version: 1

Package: nano
Status: deinstall ok config-files
Version: 1
"""
KNOWN = ["bookworm", "trixie", "sid", "stable"]


def unfit(suite: str, *remove: str, **release: str) -> str:
    wanted = {"suite": suite, "releases": KNOWN, "remove": list(remove)}
    return fit.unfit({"release": release}, STATUS, wanted)


def test_the_same_release_fits() -> None:
    assert unfit("bookworm", "bash", VERSION_CODENAME="bookworm") == ""


@pytest.mark.parametrize("suite", ["bookworm", "stable"])
def test_another_release_is_named(suite: str) -> None:
    assert unfit(suite, VERSION_CODENAME="trixie") == "suite: this ISO is trixie: choose --suite trixie"


def test_what_is_built_upon_debian_counts_by_what_it_is_built_upon() -> None:
    assert unfit("bookworm", VERSION_CODENAME="faye", DEBIAN_CODENAME="bookworm") == ""


@pytest.mark.parametrize(("suite", "fits"), [("sid", True), ("unstable", True), ("bookworm", False)])
def test_what_rolls_has_no_codename_of_its_own(suite: str, fits: bool) -> None:
    said = unfit(suite, VERSION_CODENAME="trixie", PRETTY_NAME="Debian GNU/Linux trixie/sid")
    assert (said == "") is fits


@pytest.mark.parametrize(
    ("release", "name"),
    [({"PRETTY_NAME": "Ubuntu 24.04", "VERSION_CODENAME": "noble"}, "Ubuntu 24.04"), ({}, "a system without a name")],
)
def test_another_system_is_refused(release: dict[str, str], name: str) -> None:
    assert unfit("bookworm", **release).startswith(f"source: this ISO is {name}, and only Debian's own releases")


def test_what_is_not_there_can_not_be_removed() -> None:
    said = unfit("bookworm", "bash", "nano", "tea", VERSION_CODENAME="bookworm")
    assert said == "remove: nano, tea: there is no such package in this ISO"


@pytest.mark.parametrize(("remove", "code"), [(["bash"], 0), (["tea"], 65)])
def test_it_ends_with_what_the_runner_understands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], remove: list[str], code: int
) -> None:
    medium = tmp_path / "stages" / "medium"
    medium.mkdir(parents=True)
    facts: dict[str, Any] = {"release": {"VERSION_CODENAME": "trixie"}}
    (medium / "facts.json").write_text(json.dumps(facts))
    (medium / "status").write_text(STATUS)
    (tmp_path / "fit.json").write_text(json.dumps({"suite": "trixie", "releases": KNOWN, "remove": remove}))
    assert fit.main(f"{tmp_path}") == code
    assert capsys.readouterr().err == ("E: remove: tea: there is no such package in this ISO\n" if code else "")
