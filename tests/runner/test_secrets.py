"""A build has its secrets and uploads, and tells nobody else of them."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from cafe import open_cafe
from sites import Site, wait_for

from isobuild import recipe_files
from isobuild import site as parts
from isobuild.desk import Desk

PIN = "it's 1 secret"


@pytest.fixture
def desk(site: Site) -> Desk:
    open_cafe(site.home)
    return parts.desk(site.settings(), site.db, "ann")


def everywhere(site: Site, desk: Desk) -> str:
    """All that people see of the first task."""
    seen = [desk.task(1), desk.tasks(), desk.builds(), desk.history(1), recipe_files.share(desk, 1, "toml")]
    return json.dumps(seen) + site.log() + site.run("task", 1).stdout


def test_a_build_has_its_secrets_and_nobody_sees_them(site: Site, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"a picture")
    with (tmp_path / "p.png").open("rb") as source:
        picture = desk.uploads.put(source, "p.png").upload
    guests = [{"name": "ana", "password": "whisper", "keys": ["ssh-key one"]}]
    desk.order("cafe", {"pin": PIN, "guests": guests, "picture": picture}, name="first")
    build = site.carry()
    assert (build["state"], build["error"]) == ("succeeded", None)
    iso = next(path for path in site.stored() if path.name == "first.iso").read_text()
    for secret in (PIN, "whisper", "ssh-key one"):
        assert json.dumps(secret) in iso
        assert secret not in everywhere(site, desk)
    assert iso.endswith("a picture")
    assert build["results"] == {"pin": "(secret)"}
    assert "pin is (secret)" in site.log()
    assert "step brew: sh -c" in site.log()


def test_a_failure_tells_no_secret(site: Site, desk: Desk) -> None:
    desk.order("cafe", {"pin": "bad secret", "picture": None}, name="first")
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "request")
    assert "bad pin: (secret)" in build["error"]
    assert "bad secret" not in everywhere(site, desk) + json.dumps(build)


def test_an_upload_that_is_gone_is_told(site: Site, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"a picture")
    with (tmp_path / "p.png").open("rb") as source:
        picture = desk.uploads.put(source, "p.png").upload
    desk.order("cafe", {"picture": picture}, name="first")
    desk.uploads.path(picture).unlink()
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "host")
    assert build["error"] == f"{picture} is not among the uploads of this host: bring it again, then retry."


LOOK = """#!/bin/sh
cat "$ISOBUILD_OPTIONS"
stat -c '%a %G %n' "$ISOBUILD_IN"/* >"$ISOBUILD_WORK/modes"
while [ ! -e go ]; do sleep 0.05; done
printf "an ISO" >"$ISOBUILD_OUT/any.iso"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_no_other_user_reads_the_options(site: Site, build_user: str) -> None:
    site.order(text=LOOK)
    site.tick()
    modes = site.home / "work/1/work/modes"
    wait_for(lambda: modes.exists() and "settings.json" in modes.read_text())
    options = site.home / "work/1/in/options.json"
    group = subprocess.run(["id", "-gn", build_user], capture_output=True, text=True, check=True).stdout.strip()
    assert (stat.S_IMODE(options.stat().st_mode), options.group()) == (0o640, group)
    assert (options.parent / "dependencies.json").stat().st_mode & 0o004
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat"]
    subprocess.run([*nobody, str(options.parent / "dependencies.json")], capture_output=True, check=True)
    refused = subprocess.run([*nobody, str(options)], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    site.open_gate()
    assert site.built()["state"] == "succeeded"
    assert '"arguments": []' in site.log()
