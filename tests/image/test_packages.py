"""Packages without installing: the exact commands, and the manifest."""

from pathlib import Path

import sh

from image.places import PLACE
from isobuild.image import packages


def test_the_commands() -> None:
    unpack, listing = (" ".join(step.argv) for step in packages.unpack(PLACE, PLACE.work / "t"))
    assert unpack == "find /b/in/packages -name *.deb -exec dpkg-deb -x {} /b/work/t ;"
    assert listing == "sh /b/in/list-packages /b/in/packages /b/out/manifest"


def test_the_manifest_names_each_package_with_its_version(tmp_path: Path) -> None:
    for name, version in {"tea": "1:2.0-3", "cup": "0~rc1"}.items():
        control = tmp_path / name / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\nDescription: none\n"
        )
        sh.Command("dpkg-deb")("--build", str(tmp_path / name), str(tmp_path / f"{name}.deb"))
    (tmp_path / "script").write_text(packages.files()["list-packages"])
    sh.Command("sh")(str(tmp_path / "script"), str(tmp_path), str(tmp_path / "manifest"))
    assert (tmp_path / "manifest").read_text() == "cup 0~rc1 all\ntea 1:2.0-3 all\n"
