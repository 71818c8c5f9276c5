"""Bad input, from the order to its end: each has its cause and a sentence for people, and leaves nothing behind."""

import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sh
from archives import served
from cli.conftest import Call, call
from image.custom.samples import PGP_KEY, REPOSITORY
from image.media import STATUS, Pack, pack
from larder import open_house, stock
from sites import Site, build_user, site, wait_for
from starlette.testclient import TestClient
from web.conftest import counter
from web.counter import Counter
from web.test_orders import error_of

from isobuild import rebuild
from isobuild import site as parts
from isobuild.errors import InvalidOption

__all__ = ["build_user", "call", "counter", "pack", "site"]
SYSTEM = {"var/lib/dpkg/status": STATUS, "usr/lib/os-release": "ID=debian\n", "usr/share/big": "tea" * 100_000}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(21)
PROGRESSIVE = b"\xff\xd8\xff\xc2\0\x11\x08" + bytes(14)
BROKEN_KEY = json.dumps([REPOSITORY | {"key": PGP_KEY.replace("mDME", "mDMF")}])
DESKTOP = ("debian-live", "--desktop", "xfce")


@pytest.fixture
def desk_top(tmp_path: Path, pack: Pack) -> Path:
    """A folder with what people have: pictures, archives, ISOs, some of them no good."""
    iso = pack("whole.iso", {}, {"live/filesystem.squashfs": (SYSTEM, ())})
    (tmp_path / "cut.iso").write_bytes(iso.read_bytes()[:-100_000])
    pack("data.iso", {"readme.txt": "hi"}, {})
    for name, content in {"notes.txt": b"tea\n", "hills.png": PNG, "menu.jpg": PROGRESSIVE}.items():
        (tmp_path / name).write_bytes(content)
    with tarfile.open(tmp_path / "two.tar", "w") as archive:
        for name in ("Tea/index.theme", "Cup/index.theme"):
            archive.addfile(tarfile.TarInfo(name))
    return tmp_path


@pytest.fixture
def tea(site: Site, tmp_path: Path) -> Iterator[None]:
    """A recipe that is made of packages of an archive here, and looked up when it is ordered."""
    with served(stock(tmp_path / "archive")) as archive:
        open_house(site.home, archive)
        yield


#: what is ordered (`@` stands for the folder above), and what is said of it
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown package": (("tea", "--packages", "cup,watr"), "there is no such package in tea. Did you mean water?"),
    "conflicting packages": (
        ("tea", "--packages", "black,cream"),
        "packages: cream can't be installed: it needs white, and black conflicts",
    ),
    "broken key": (
        ("debian-live", f"--set=repositories={BROKEN_KEY}"),
        "a public key that is whole; this one is damaged: copy it again",
    ),
    "truncated ISO": (("remaster", "--source", "@/cut.iso"), "source: 'cut.iso' is not allowed: a whole ISO: this has"),
    "no ISO": (("remaster", "--source", "@/notes.txt"), "source: 'notes.txt' is not allowed: an ISO 9660 image, which"),
    "nothing live": (("remaster", "--source", "@/data.iso"), "this has no squashfs in /live"),
    "first boot": (
        ("debian-live", "--set=first_boot=#!/bin/sh\nif true\n"),
        "a script that sh can read; line 3: Syntax error",
    ),
    "no picture": ((*DESKTOP, "--wallpaper", "@/notes.txt"), "wallpaper: 'notes.txt' is not allowed: a PNG or JPEG"),
    "progressive": (("debian-live", "--background", "@/menu.jpg"), "background: 'menu.jpg' is not allowed: a picture"),
    "two themes": ((*DESKTOP, "--theme", "@/two.tar"), "theme: 'two.tar' is not allowed: a tar archive that holds one"),
    "no archive": ((*DESKTOP, "--icon", "@/hills.png"), "icon: 'hills.png' is not allowed: a tar archive, which"),
}


@pytest.mark.usefixtures("tea")
@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_an_order_is_refused(
    call: Call, site: Site, desk_top: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBUILD_RESOLVE", "yes" if words[0] == "tea" else "no")
    recipe, *options = (word.replace("@/", f"@{desk_top}/") for word in words)
    answer = call("order", recipe, "--name", "first", *options)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert nothing_is_left(site)
    assert site.count() == 0


def nothing_is_left(site: Site) -> bool:
    """Whether no process, no workspace, no ISO and nothing unfinished is there."""
    unfinished = [path for path in site.home.rglob("*") if path.name.endswith(".part")]
    stages = list((site.home / "cache" / "stages").glob("*"))
    return site.is_clear() and not [*site.stored(), *unfinished, *stages]


def test_a_file_of_the_site_is_looked_at_too(call: Call, site: Site, desk_top: Path) -> None:
    isos = site.home / "isos"
    isos.mkdir()
    (desk_top / "cut.iso").rename(isos / "cut.iso")
    answer = call("order", "remaster", "--name", "first", "--source", "cut.iso")
    assert (answer.code, site.count()) == (2, 0)
    assert "source: 'cut.iso' is not allowed: a whole ISO" in answer.err
    (desk_top / "whole.iso").rename(isos / "cut.iso")
    assert call("order", "remaster", "--name", "first", "--source", "cut.iso").code == 0


def test_what_is_right_is_ordered(call: Call, site: Site, desk_top: Path) -> None:
    looks = ("--wallpaper", f"@{desk_top}/hills.png", "--background", f"@{desk_top}/hills.png", "--theme", "Arc")
    assert call("order", *DESKTOP, "--name", "first", *looks).code == 0
    assert call("order", "remaster", "--name", "second", "--source", f"@{desk_top}/whole.iso").code == 0
    assert site.count() == 2


def test_a_rebuild_looks_again(call: Call, site: Site, desk_top: Path) -> None:
    (site.home / "isos").mkdir()
    iso = (desk_top / "whole.iso").rename(site.home / "isos" / "own.iso")
    assert call("order", "remaster", "--name", "first", "--source", "own.iso").code == 0
    iso.write_bytes(iso.read_bytes()[:-100_000])
    chosen = site.settings()
    with pytest.raises(InvalidOption, match=r"source: 'own\.iso' is not allowed: a whole ISO"):
        rebuild.rebuild(parts.desk(chosen, site.db, "ann"), 1)
    assert site.count() == 1


# the page and the API


def test_the_page_says_it_beside_the_field(counter: Counter) -> None:
    sent = {"name": "first", "option.desktop": "xfce", "option.hostname": "tea", "queue": "default"}
    page = counter.client.post("/order/debian-live", data=sent, files={"file.option.wallpaper": ("notes.txt", b"tea")})
    assert page.status_code == 422
    assert "a PNG or JPEG picture, which this is not" in error_of(page.text, "option.wallpaper")
    assert (counter.tasks(), counter.nudges) == ([], 0)


def test_the_api_names_the_field(counter: Counter) -> None:
    client: TestClient = counter.client
    upload = client.post("/api/uploads?name=notes.txt", content=b"tea").json()["upload"]
    wish: dict[str, Any] = {"recipe": "remaster", "name": "first", "options": {"source": upload}}
    for path in ("/api/tasks", "/api/preview"):
        answer = client.post(path, json=wish if path == "/api/tasks" else {k: wish[k] for k in ("recipe", "options")})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        facts = ("source", "notes.txt", "an ISO 9660 image, which this is not")
        assert tuple(answer.json()[each] for each in ("field", "given", "allowed")) == facts
    assert (counter.tasks(), counter.nudges) == ([], 0)


# what only the build sees

AGAIN = """
from isobuild.recipes.remaster import Remaster

class Again(Remaster):
    name = "again"

    def layers(self, options, apt):
        return ()  # no archive is asked
"""


def test_an_iso_that_was_cut_since_it_was_ordered(call: Call, site: Site, desk_top: Path) -> None:
    for folder in ("isos", "recipes"):
        (site.home / folder).mkdir(mode=0o755, exist_ok=True)
    (site.home / "recipes" / "again.py").write_text(AGAIN)
    iso = (desk_top / "whole.iso").rename(site.home / "isos" / "own.iso")
    iso.chmod(0o644)
    assert call("order", "again", "--name", "first", "--source", "own.iso").code == 0
    iso.write_bytes(iso.read_bytes()[:-100_000])
    build = site.carry()
    assert (build["state"], build["cause"], build["step"]) == ("failed", "request", "medium")
    assert build["error"].startswith("source: this ISO is not whole: it has ")
    assert build["error"].endswith("that it says to have (step medium, exit status 65)")
    assert (site.task()["state"], site.task()["cause"]) == ("failed", "request")
    assert nothing_is_left(site)


FILL = """#!/bin/sh
set -e
echo "isobuild: 40% unpacking"
head -c 8M /dev/zero >"$ISOBUILD_WORK/tree"
printf "an ISO" >"$ISOBUILD_OUT/any.iso"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
@pytest.mark.parametrize("told", [False, True], ids=["by the tool", "by the script"])
def test_a_disk_that_fills_while_it_is_built(site: Site, told: bool) -> None:
    """The script says why, as those of isobuild do, or its tool's last words tell."""
    why = "|| { echo 'E: the disk is full: there is no room for the tree' >&2; exit 71; }"
    site.order(text=FILL.replace('/tree"', f'/tree" {why}') if told else FILL)
    with small_disk(site.home / "work"):
        build = site.carry()
        assert (build["state"], build["cause"], build["step"]) == ("failed", "host", "unpacking")
        words = "the disk is full: there is no room for the tree (step " if told else "No space left on device"
        assert words in build["error"]
        assert nothing_is_left(site)
    wait_for(lambda: site.run("tick").stdout != "idle\n")  # it is tried again, where there may be room
    assert site.built()["state"] == "succeeded"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of a few MiB in this folder's place."""
    folder.mkdir(exist_ok=True)
    sh.Command("mount")("-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", str(folder))
    try:
        yield
    finally:
        sh.Command("umount")(str(folder))


def test_packages_that_were_there_when_they_were_ordered(call: Call, site: Site, tmp_path: Path) -> None:
    """The archive lost one since: the build says so as the order would have."""
    archive = stock(tmp_path / "archive")
    with served(archive):
        open_house(site.home, archive)
        assert call("order", "tea", "--name", "first", "--packages", "kettle").code == 0
        next((archive.folder / "pool").glob("kettle_*")).unlink()
        archive.publish(datetime.now(UTC))
        build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "request")
    assert "kettle" in build["error"]
    assert nothing_is_left(site)
