"""What is changed in Debian's settings for Calamares: it installs layers, and asks no archive."""

import os
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

DEBIAN = """\
modules-search: [ local ]
sequence:
- show:
  - partition
- exec:
  - mount
  - unpackfs
  - dpkg-unsafe-io
  - sources-media
  - users
  - bootloader-config
  - grubcfg
  - bootloader
  - packages
  - initramfscfg
  - initramfs
  - dpkg-unsafe-io-undo
  - sources-media-unmount
  - sources-final
  - umount
branding: debian
"""
INSTALLED = "installed live-boot\nconfig-files live-tools\ninstalled calamares\n"
PARTS = resources.files("isobuild.image.custom").joinpath("sh")


def run(folder: Path, account: str) -> Path:
    """Run the script where this folder is /etc/calamares; the folder."""
    (folder / "bin").mkdir()
    (folder / "bin" / "dpkg-query").write_text(f"#!/bin/sh\nprintf '{INSTALLED}'\n")
    (folder / "bin" / "dpkg-query").chmod(0o755)
    script = PARTS.joinpath("installer.sh").read_text().replace("/etc/calamares", str(folder))
    script = script.replace("/etc/polkit-1/rules.d", str(folder))
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "LIVE_ACCOUNT": account}
    subprocess.run(["sh", "-eu"], input=script, env=environment, text=True, check=True)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "modules").mkdir()
    (tmp_path / "settings.conf").write_text(DEBIAN)
    return tmp_path


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def test_the_steps_that_want_debian_s_medium_go(folder: Path) -> None:
    settings = read(run(folder, "live") / "settings.conf")
    assert settings["sequence"][1]["exec"] == [
        "mount", "unpackfs", "shellprocess@settle", "users", "shellprocess@boot", "grubcfg", "bootloader", "packages",
        "initramfscfg", "initramfs", "shellprocess@menu", "umount",
    ]  # fmt: skip
    for each in settings["instances"]:
        assert read(folder / "modules" / f"{each['config']}")["script"]
    assert [each["id"] for each in settings["instances"]] == ["settle", "boot", "menu"]


@pytest.mark.parametrize("account", ["live", ""])
def test_the_live_account_is_not_installed(folder: Path, account: str) -> None:
    commands = read(run(folder, account) / "modules" / "shellprocess-settle.conf")["script"]
    assert ("-userdel --remove live" in commands) is bool(account)
    assert ("rm -f /etc/sudoers.d/isobuild-live" in commands) is bool(account)
    assert (folder / "50-isobuild-installer.rules").exists() is bool(account)
    assert f"rm -f {folder}/50-isobuild-installer.rules" in commands


def test_what_only_a_live_system_needs_goes_as_far_as_it_is_there(folder: Path) -> None:
    packages = read(run(folder, "live") / "modules" / "packages.conf")
    assert packages["operations"] == [{"remove": ["live-boot", "calamares"]}]
    assert packages["update_db"] is False


def test_without_calamares_nothing_is_done(tmp_path: Path) -> None:
    assert sorted(each.name for each in run(tmp_path, "live").iterdir()) == ["bin"]
