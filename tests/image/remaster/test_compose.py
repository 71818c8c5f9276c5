"""What is new on an ISO: names that sort last, lists and checksums that are right."""

import json
from hashlib import md5, sha256
from pathlib import Path

import pytest

from isobuild.image.remaster import compose


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("filesystem.squashfs", "z01-packages.squashfs"),
        ("40-custom.squashfs", "z01-packages.squashfs"),
        ("z02-custom.squashfs", "z03-packages.squashfs"),
        ("z98-custom.squashfs", "zz01-packages.squashfs"),
        ("zebra.squashfs", "zz01-packages.squashfs"),
        ("zzzz.squashfs", "zzzz01-packages.squashfs"),
    ],
)
def test_new_layers_sort_last(last: str, first: str) -> None:
    found = compose.names(last, ["packages", "custom"])
    assert found[0] == first
    assert [last, *found] == sorted([last, *found])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What look.py, menus.py and remaster.sh leave."""
    stages = tmp_path / "in" / "stages"
    for folder in (stages / "medium", stages / "packages", stages / "custom", tmp_path / "work/medium/boot/grub"):
        folder.mkdir(parents=True)
    (tmp_path / "work/medium/boot/grub/grub.cfg").write_text("a new menu")
    for name in ("packages", "custom"):
        (stages / name / f"{name}.squashfs").write_text(f"the {name}")
    (stages / "packages" / "initrd.img-6.1").write_text("first")
    (stages / "custom" / "manifest").write_text("nano 7.2 amd64\n")
    (stages / "medium" / "initrds").write_text("6.1 /live/initrd.img-6.1\n6.2 /live/initrd.img-6.2\n")
    sums = f"# sums\n{'0' * 64}  ./boot/grub/grub.cfg\n{'1' * 64}  ./live/filesystem.squashfs\n"
    give(tmp_path, {
        "/sha256sum.txt": sums, "/MD5SUMS": f"{'2' * 32} *live/x\n",
        "/live/filesystem.packages": "nano\t6.0\n", "/live/filesystem.module": "filesystem.squashfs\n",
    })  # fmt: skip
    return tmp_path


def give(place: Path, texts: dict[str, str]) -> None:
    medium = place / "in" / "stages" / "medium"
    named = {path: f"text-{number}" for number, path in enumerate(texts)}
    for path, name in named.items():
        (medium / name).write_text(texts[path])
    facts = {"layers": ["/live/filesystem.squashfs"], "texts": named, "joliet": True, "date": "2026071110163700"}
    (medium / "facts.json").write_text(json.dumps(facts))


def composed(place: Path) -> tuple[list[str], Path]:
    compose.main(f"{place / 'in'}", f"{place / 'work'}")
    return (place / "work" / "burn").read_text().splitlines(), place / "work" / "medium"


def test_all_that_is_new_is_burnt(place: Path) -> None:
    lines, new = composed(place)
    stages = place / "in" / "stages"
    assert lines[:2] == ["-joliet on", "-volume_date uuid 2026071110163700"]
    assert [line for line in lines if line.startswith("-map ")] == [
        f"-map '{new}/MD5SUMS' '/MD5SUMS'",
        f"-map '{new}/boot/grub/grub.cfg' '/boot/grub/grub.cfg'",
        f"-map '{new}/live/filesystem.module' '/live/filesystem.module'",
        f"-map '{new}/live/filesystem.packages' '/live/filesystem.packages'",
        f"-map '{stages}/packages/initrd.img-6.1' '/live/initrd.img-6.1'",
        f"-map '{stages}/packages/packages.squashfs' '/live/z01-packages.squashfs'",
        f"-map '{stages}/custom/custom.squashfs' '/live/z02-custom.squashfs'",
        f"-map '{new}/sha256sum.txt' '/sha256sum.txt'",
    ]


def test_the_checksums_are_those_of_the_new_files(place: Path) -> None:
    _, new = composed(place)
    lines = (new / "sha256sum.txt").read_text().splitlines()
    assert lines[:3] == [
        "# sums",
        f"{sha256(b'a new menu').hexdigest()}  ./boot/grub/grub.cfg",
        f"{'1' * 64}  ./live/filesystem.squashfs",
    ]
    assert f"{sha256(b'the custom').hexdigest()}  ./live/z02-custom.squashfs" in lines[3:]
    assert not [line for line in lines if "sum" in line and line != "# sums"]
    assert f"{md5(b'first').hexdigest()} *live/initrd.img-6.1" in (new / "MD5SUMS").read_text().splitlines()  # noqa: S324


def test_the_lists_know_of_the_new_layers_and_packages(place: Path) -> None:
    _, new = composed(place)
    layers = ["filesystem.squashfs", "z01-packages.squashfs", "z02-custom.squashfs"]
    assert (new / "live/filesystem.module").read_text().split() == layers
    assert (new / "live/filesystem.packages").read_text() == "nano\t7.2\n"


def test_without_packages_there_is_one_layer_more(place: Path) -> None:
    for file in (place / "in/stages/packages").iterdir():
        file.unlink()
    give(place, {"/live/filesystem.packages": "nano 6.0 amd64\n"})
    lines, new = composed(place)
    assert [line.split()[-1] for line in lines if ".squashfs" in line and line.startswith("-map")] == [
        "'/live/z01-custom.squashfs'"
    ]
    assert (new / "live/filesystem.packages").read_text() == "nano 7.2 amd64\n"


def test_words_are_quoted_as_xorriso_reads_them() -> None:
    assert compose.quote("a b") == "'a b'"
    assert compose.quote("it's") == "'it'\"'\"'s'"
