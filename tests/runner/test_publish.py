"""What a build leaves beside its ISO: everything that people need to trust it, under each task's own name."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sites import ISO, Site

from isobuild.trust import keys, torrent, zsync
from isobuild.trust.beside import SUFFIXES, name_of
from isobuild.trust.check import Trusted, check

LISTED = f'{ISO}printf "bash 5.2 amd64\\nnano 7\\n" >"$ISOBUILD_OUT/manifest"\n'
ALWAYS = ("provenance", "torrent", "sums")


@pytest.fixture(autouse=True)
def tools(needed: Callable[[str], str]) -> None:
    needed("zsyncmake")
    needed("gpg")


def files(site: Site, task: int = 1) -> dict[str, dict[str, Any]]:
    """What can be downloaded of a task, by kind."""
    return {file["kind"]: file for file in site.task(task)["files"]}


def content(site: Site, kind: str, build: int = 1, iso: str = "first.iso") -> bytes:
    """A file of a build, as it is stored."""
    name = iso if kind == "iso" else name_of(kind, iso)
    return (site.home / "store" / str(build) / name).read_bytes()


def wrong(iso: Path, key: keys.Key | None = None) -> dict[str, str]:
    """What is not as it should be beside an ISO."""
    found = check(iso, Trusted("the key", key.public.encode()) if key else None)
    return {each.what: each.state for each in found if each.state != "ok"}


def test_all_that_lies_beside_an_iso(site: Site) -> None:
    key = keys.make(site.home / "signing", "Tea")
    site.order(text=LISTED)
    assert site.carry()["state"] == "succeeded"
    found = files(site)
    assert next(iter(found)) == "iso"
    assert set(found) == {"iso", "manifest", "sbom", "zsync", "signature", *ALWAYS}
    for kind, file in found.items():
        assert file["sha256"] == sha256(content(site, kind)).hexdigest()
        assert file["size"] == len(content(site, kind))
    assert wrong(site.isos()[0], key) == {}
    assert "secret" not in content(site, "provenance").decode()


def test_sha256sum_checks_it(site: Site, needed: Callable[[str], str]) -> None:
    site.order(text=LISTED)
    site.carry()
    command = [needed("sha256sum"), "--strict", "-c", "first.SHA256SUMS"]
    checked = subprocess.run(command, cwd=site.home / "store/1", check=True, capture_output=True, text=True)
    assert checked.stdout.count(": OK\n") == len(site.stored()) - 1
    assert checked.stdout.startswith("first.iso: OK\n")


def test_without_key_and_manifest_the_others_are_there(site: Site) -> None:
    site.order()
    site.carry()
    assert set(files(site)) == {"iso", "zsync", *ALWAYS}
    assert wrong(site.isos()[0]) == {"signature": "missing", "SBOM": "missing"}


def test_what_is_changed_while_it_is_read_is_not_published(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checksum and its zsync file would be those of two ISOs."""
    feed = torrent.Pieces.feed

    def change(pieces: torrent.Pieces, data: bytes) -> None:
        for iso in (site.home / "work").glob("*/out/*.iso"):
            os.utime(iso, (1, 1))
        feed(pieces, data)

    monkeypatch.setattr(torrent.Pieces, "feed", change)
    site.order()
    ended = site.carry()
    assert (ended["state"], ended["cause"]) == ("failed", "host")
    assert "first.iso was changed by somebody while it was published" in ended["error"]


def test_what_the_files_tell(site: Site) -> None:
    site.order(text=LISTED)
    site.carry(base_url="https://iso.example.org/tea/")
    told = torrent.decode(content(site, "torrent"))
    assert told[b"url-list"] == [b"https://iso.example.org/tea/download/1/first.iso"]
    assert zsync.head(content(site, "zsync"))["URL"] == "first.iso"
    document = json.loads(content(site, "sbom"))
    assert [each["name"] for each in document["packages"][1:]] == ["bash", "nano"]
    statement = json.loads(content(site, "provenance"))["predicate"]
    definition, run = statement["buildDefinition"], statement["runDetails"]
    assert definition["externalParameters"]["options"]["script"] == "first.sh"
    script = sha256((site.home / "scripts/first.sh").read_bytes()).hexdigest()
    assert {"name": "first.sh", "digest": {"sha256": script}} in definition["resolvedDependencies"]
    assert run["builder"]["id"] == f"urn:uuid:{(site.home / 'instance').read_text().strip()}"
    assert run["metadata"]["invocationId"].endswith("#build-1")
    assert [each["name"] for each in run["byproducts"]][-1] == "first.spdx.json"


SECRETIVE = """
from isobuild.image.fields import Secret
from isobuild.image.step import Step
from isobuild.recipes.base import Options, Recipe


class SafeOptions(Options):
    password: Secret = ""
    label: str = ""


class Safe(Recipe):
    name, title, version, Options = "safe", "Safe", 1, SafeOptions

    def steps(self, options, place):
        return [Step("burn", ("sh", "-c", f"echo iso >{place.out}/any.iso; echo tea 1 >{place.out}/manifest"))]
"""


def test_no_secret_is_told(site: Site) -> None:
    (site.home / "recipes").mkdir(mode=0o755)
    (site.home / "recipes/safe.py").write_text(SECRETIVE)
    site.run("order", "safe", "--name", "first", "--password", "hunter22", "--label", "seen")
    assert site.carry()["state"] == "succeeded", site.log()
    assert [path for path in site.stored() if b"hunter22" in path.read_bytes()] == []
    definition = json.loads(content(site, "provenance"))["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["options"] == {"label": "seen", "password": "(secret)"}
    recipe = sha256((site.home / "recipes/safe.py").read_bytes()).hexdigest()
    assert {"name": "recipe safe", "digest": {"sha256": recipe}} in definition["resolvedDependencies"]


def test_an_iso_that_is_shared_is_checked_under_its_other_name(site: Site, tmp_path: Path) -> None:
    key = keys.make(site.home / "signing", "Tea")
    site.write_script("make.sh", LISTED)
    site.run("order", "script", "--script", "make.sh", "--name", "one")
    site.carry()
    site.run("order", "script", "--script", "make.sh", "--name", "two")
    theirs = files(site, 2)
    assert [file["name"] for file in theirs.values()] == [
        "two.iso" if kind == "iso" else name_of(kind, "two.iso") for kind in theirs
    ]
    for kind, file in theirs.items():
        stored = f"one{file['name'].removeprefix('two')}"
        shutil.copy(site.home / "store/1" / stored, tmp_path / file["name"])
        assert sha256((tmp_path / file["name"]).read_bytes()).hexdigest() == file["sha256"], kind
    assert wrong(tmp_path / "two.iso", key) == {}


def test_without_zsyncmake_the_iso_is_there_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.order(text=LISTED)
    number, token = site.flag()
    hidden = site.home / "bin"
    hidden.mkdir()
    for program in ("setpriv", "unshare", "bash"):
        (hidden / program).symlink_to(shutil.which(program) or "")
    monkeypatch.setenv("PATH", str(hidden))
    from isobuild import site as parts

    parts.runner(site.settings()).run(number, token)
    assert site.build()["state"] == "succeeded", site.log()
    assert "zsync" not in files(site)
    assert "There is no zsync file: zsyncmake is not installed (apt-get install zsync)." in site.log()
    assert wrong(site.isos()[0]) == {"signature": "missing", "zsync": "missing"}


def test_a_broken_key_is_told_before_the_work(site: Site) -> None:
    (site.home / "signing").mkdir()
    site.order()
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "host")
    assert "The signing key in" in build["error"]
    assert "step first.sh" not in site.log()
    assert (site.stored(), site.workspaces()) == ([], [])


def test_a_key_that_breaks_meanwhile_leaves_nothing_that_can_be_downloaded(site: Site) -> None:
    keys.make(site.home / "signing", "Tea")
    shutil.rmtree(site.home / "signing/private-keys-v1.d")
    site.order()
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "host")
    assert site.task()["files"] == []
    site.tick()
    assert site.stored() == []


def test_a_reported_iso_is_sealed_too(site: Site) -> None:
    key = keys.make(site.home / "signing", "Tea")
    site.order()
    number, token = site.flag()
    (site.home / "far.iso").write_bytes(b"from afar")
    site.run("report", number, "done", site.home / "far.iso", ISOBUILD_TOKEN=token)
    assert set(files(site)) == {"iso", "zsync", "torrent", "sums", "signature"}
    assert wrong(site.isos()[0], key) == {"SBOM": "missing", "provenance": "missing"}


def test_every_kind_has_its_suffix_once() -> None:
    assert len(set(SUFFIXES.values())) == len(SUFFIXES)
