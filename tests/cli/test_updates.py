"""`isobuild updates` and `isobuild rebuild`: newer packages of ready ISOs, from the tick on."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from archives import RELEASED, SmallArchive, served
from larder import open_house, stock
from sites import Site, wait_for

from cli.conftest import Call

BREW = """
        return Plan({{}}, (
            Step("iso", ("cp", "/etc/hostname", f"{{place.out / place.iso}}")),
            Step("manifest", ("sh", "-c", "echo water 1.0 all >$ISOBUILD_OUT/manifest")),
        ))
"""


@pytest.fixture
def small(site: Site) -> Iterator[SmallArchive]:
    """An archive, and the recipe that is made of it, which leaves an ISO and a manifest."""
    site.env["ISOBUILD_RESOLVE"] = "yes"
    with served(stock(site.home / "archive")) as archive:
        archive.publish(suite="tea-security")
        open_house(site.home, archive, "tea", "tea-security")
        path = site.home / "recipes" / "tea.py"
        plan = path.read_text().partition("        return Plan(")[2].partition("\n")[0]
        path.write_text(path.read_text().replace(f"        return Plan({plan}", BREW.format()))
        yield archive


@pytest.fixture
def made(site: Site, small: SmallArchive, call: Call) -> int:
    """A ready task whose package has a newer version now, for security."""
    assert call("order", "tea", "--name", "tray").code == 0
    site.tick_until(lambda: site.in_state("ready"))
    small.add("water", "1.1")
    small.publish(RELEASED + timedelta(days=1), "tea-security")
    for asked in (site.home / "archives").glob("*/asked"):
        os.utime(asked, (0, 0))
    return 1


def test_they_are_looked_for_listed_and_built(site: Site, call: Call, made: int) -> None:
    assert "No ready ISO is known" in call("updates").err
    assert call("updates", made).code == 4
    said = call("updates", "--look")
    assert "Looked at 1 ready ISO." in said.err
    assert "1 update, 1 for security" in said.out
    assert json.loads(call("updates", made, "--json").out)["packages"] == [
        {"name": "water", "old": "1.0", "new": "1.1", "security": True}
    ]
    assert "security" in call("updates", made).out
    assert "1 update, 1 for security" in call("tasks").out
    said = call("task", made)
    assert "1 update, 1 for security (as of " in said.out
    assert "isobuild rebuild 1" in said.err
    assert call("rebuild", made).out == "2\n"
    assert site.task(2)["name"].startswith("tray-20")


def test_the_tick_has_them_looked_for_at_night(site: Site, made: int) -> None:
    assert (site.home / "updates").exists()  # a tick has made it, with the next night in it
    os.utime(site.home / "updates", (0, 0))
    assert "looked 1" in site.run("tick").stdout
    assert wait_for(lambda: site.task(made)["updates"])["security"] == 1
    assert site.run("tick").stdout == "idle\n"


def test_a_site_may_never_look(site: Site) -> None:
    site.env["ISOBUILD_UPDATES_HOURS"] = "0"
    site.tick()
    assert not (site.home / "updates").exists()


def test_two_do_not_look_at_once(site: Site, call: Call, made: int) -> None:
    import fcntl

    with (site.home / "updates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = call("updates", "--due")
    assert (said.code, said.err) == (0, "")
    assert site.task(made)["updates"] is None


def test_what_is_not_there_is_not_built_again(site: Site, call: Call) -> None:
    assert call("rebuild", 7).code == 4
