"""An overlay's upper folder as a layer for any overlay: whiteouts, and none of the kernel's notes."""

import os
import stat
from pathlib import Path

import pytest

from isobuild.image.live import layer


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    made = tmp_path / "upper"
    (made / "etc").mkdir(parents=True)
    (made / "etc" / "new").write_text("new\n")
    (made / "etc" / "link").symlink_to("/nowhere")
    try:
        os.setxattr(made / "etc", "user.overlay.opaque", b"y")
        os.setxattr(made / "etc" / "new", "user.overlay.origin", b"somewhere")
        os.setxattr(made / "etc" / "new", "user.tea", b"green")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    return made


@pytest.fixture
def lower(tmp_path: Path) -> Path:
    made = tmp_path / "lower"
    (made / "etc" / "old.d").mkdir(parents=True)
    for name in ("old", "new"):
        (made / "etc" / name).write_text("below\n")
    return made


def whiteouts(folder: Path) -> set[str]:
    found = {path.name: path.lstat() for path in folder.iterdir()}
    return {name for name, seen in found.items() if stat.S_ISCHR(seen.st_mode) and seen.st_rdev == 0}


@pytest.mark.skipif(os.geteuid() != 0, reason="elsewhere it is root of a namespace")
def test_a_folder_that_hid_another_hides_each_name_of_it(upper: Path, lower: Path) -> None:
    assert layer.settle(upper, [lower]) == 1
    assert whiteouts(upper / "etc") == {"old", "old.d"}
    assert (upper / "etc" / "new").read_text() == "new\n"


def test_the_kernels_notes_go_and_no_others(upper: Path, tmp_path: Path) -> None:
    layer.settle(upper, [tmp_path / "none"])
    assert os.listxattr(upper / "etc") == []
    assert os.listxattr(upper / "etc" / "new") == ["user.tea"]


def test_a_folder_that_hid_nothing_is_left_as_it_is(upper: Path, lower: Path) -> None:
    os.removexattr(upper / "etc", "user.overlay.opaque")
    assert layer.settle(upper, [lower]) == 0
    assert whiteouts(upper / "etc") == set()
