"""`isobuild task`: what lies beside an ISO, how it booted, and what its build found and made."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sites import Site

from cli.conftest import Call
from isobuild.domain import builds, updates
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState
from isobuild.store.local import Stored
from isobuild.trust.beside import name_of

SIZES = {"iso": 245 << 20, "manifest": 3 << 10, "boot-bios": 200 << 10, "boot-bios-log": 900, "sums": 450}
UP = {"reached": True, "seconds": 12.1, "accel": "kvm", "where": None}
DOWN = {"reached": False, "seconds": 60.0, "accel": "kvm", "where": "the kernel panicked; its last line: Oops"}
STAGES = {
    "reused": {"base": 20.5, "packages": 5.1}, "made": {"custom": 1.2}, "packages": {"cached": 12, "fetched": 3},
    "size": 1 << 20, "saved": 25.6,
}  # fmt: skip


def finish(site: Site, state: BuildState = BuildState.SUCCEEDED, **told: Any) -> None:
    """End the build of the next task so."""
    number, token = site.flag()
    site.db.write(builds.finish, number, token, End(state=state, **told), datetime.now(UTC))


def files() -> dict[str, Stored]:
    names = {kind: "first.iso" if kind == "iso" else name_of(kind, "first.iso") for kind in SIZES}
    return {kind: Stored(names[kind], size, "5a" * 32) for kind, size in SIZES.items()}


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.fixture
def ready(site: Site) -> Site:
    site.order()
    finish(site, files=files(), proof={"bios": UP, "uefi": DOWN}, stages=STAGES)
    return site


def test_what_lies_beside_the_iso_is_listed_with_its_size(ready: Site, call: Call) -> None:
    said = call("task", 1)
    found = lines(said.out)
    for line in (
        "first.iso 245.0 MiB the ISO",
        "first.manifest 3.0 KiB its packages",
        "first.bios.png 0.2 MiB its screen, booted by BIOS",
        "first.bios.log 900 B what its console said then",
        "first.SHA256SUMS 450 B checksums",
    ):
        assert line in found
    assert "isobuild download 1 (with what lies beside it: --all)" in said.err


def test_each_firmware_tells_how_it_booted_and_where_that_is_seen(ready: Site, call: Call) -> None:
    found = lines(call("task", 1).out)
    assert "proof not verified" in found
    assert "boot by bios up after 12.1 s; see first.bios.png and first.bios.log" in found
    assert "boot by uefi not up after 60 s: the kernel panicked; its last line: Oops" in found


def test_what_the_build_need_not_make_is_told_with_the_seconds(ready: Site, call: Call) -> None:
    found = lines(call("task", 1).out)
    assert found[found.index("STAGE IN BUILD 1") :] == [
        "STAGE IN BUILD 1",
        "base made before 20.5 s saved",
        "packages made before 5.1 s saved",
        "custom made now in 1.2 s",
        "Packages: 12 were here, 3 were fetched. 25.6 s saved.",
    ]


def test_builds_have_what_they_took_and_saved(ready: Site, call: Call) -> None:
    header, line = lines(call("builds").out)
    assert header.endswith("STARTED (UTC) TOOK SAVED")
    assert line.endswith(" 25.6 s")


def test_a_task_that_has_none_of_it_shows_none(site: Site, call: Call) -> None:
    site.order()
    finish(site, BuildState.FAILED, error="The kettle is cold.", stages={**STAGES, "reused": {}, "made": {}})
    said = call("task", 1)
    assert all(word not in said.out for word in ("FILE", "STAGE", "proof", "boot by"))
    assert "Packages: 12 were here, 3 were fetched." in said.out
    assert "--all" not in said.err


def test_newer_packages_are_told_with_what_was_not_looked_at(ready: Site, call: Call) -> None:
    found = [{"name": "nano", "old": "1", "new": "2", "security": False}]
    moment = datetime(2026, 11, 21, 3, tzinfo=UTC)
    ready.db.write(updates.note, 1, found, moment, "the rest was not looked at")
    (line,) = [line for line in lines(call("task", 1).out) if line.startswith("newer packages")]
    assert line == (
        "newer packages 1 update; the rest was not looked at (as of 2026-11-21 03:00:00 UTC; see them: "
        "isobuild updates 1)"
    )
