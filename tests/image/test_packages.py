"""Packages without installing: apt's own folders, and the exact commands."""

from pathlib import Path

import sh

from image.places import APT, PLACE
from isobuild.image import packages


def test_apt_is_kept_within_the_place() -> None:
    files = packages.files(PLACE, APT)
    assert 'Dir::State "/b/work/apt";\n' in files["apt.conf"]
    assert 'Dir::Etc::sourcelist "/b/in/debian.sources";\n' in files["apt.conf"]
    assert "#clear DPkg::Post-Invoke;\n" in files["apt.conf"]
    assert files["debian.sources"] == APT


def test_what_is_provided_counts_as_installed() -> None:
    installed = packages.files(PLACE, APT, ("kmod", "linux-base (= 99)"))["installed"]
    assert "Status: install ok installed\n" in installed
    assert "Provides: kmod, linux-base (= 99)\n" in installed


def test_nothing_provided_is_a_valid_status_file() -> None:
    assert "Provides" not in packages.files(PLACE, APT)["installed"]


def test_the_commands() -> None:
    folders, update, fetch, unpack, listing = (
        " ".join(step.argv) for step in packages.unpack(PLACE, ("a", "b"), PLACE.work / "t")
    )
    assert folders == "mkdir -p /b/work/apt/lists/partial /b/work/apt/archives/partial"
    assert update == "apt-get -q -y -c /b/in/apt.conf -o APT::Update::Error-Mode=any update"
    assert fetch == "apt-get -q -y -c /b/in/apt.conf --download-only install a b"
    assert unpack == "find /b/work/apt/archives -name *.deb -exec dpkg-deb -x {} /b/work/t ;"
    assert listing == "sh /b/in/list-packages /b/work/apt/archives /b/out/manifest"


def test_the_manifest_names_each_package_with_its_version(tmp_path: Path) -> None:
    for name, version in {"tea": "1:2.0-3", "cup": "0~rc1"}.items():
        control = tmp_path / name / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\nDescription: none\n"
        )
        sh.Command("dpkg-deb")("--build", str(tmp_path / name), str(tmp_path / f"{name}.deb"))
    (tmp_path / "script").write_text(packages.files(PLACE, APT)["list-packages"])
    sh.Command("sh")(str(tmp_path / "script"), str(tmp_path), str(tmp_path / "manifest"))
    assert (tmp_path / "manifest").read_text() == "cup 0~rc1\ntea 1:2.0-3\n"
