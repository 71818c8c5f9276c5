"""What a file says of itself as a medium."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from isobuild.errors import BadInput
from isobuild.image import medium
from isobuild.image.medium import Medium


@pytest.fixture
def iso(needed: Callable[[str], str], tmp_path: Path) -> Path:
    (tmp_path / "any").write_text("hello")
    burn = [needed("xorriso"), "-as", "mkisofs", "-quiet", "-V", "TEA_2_0", "-o", f"{tmp_path}/tea.iso"]
    subprocess.run([*burn, f"{tmp_path}/any"], check=True)
    return tmp_path / "tea.iso"


def test_a_whole_iso(iso: Path) -> None:
    assert medium.look(iso) == Medium("TEA_2_0", iso.stat().st_size)


def test_the_beginning_of_an_iso(iso: Path) -> None:
    size = iso.stat().st_size
    with iso.open("ab") as opened:
        opened.truncate(size - 2048)
    with pytest.raises(BadInput, match=f"a whole ISO: this has {size - 2048} of the {size} bytes that it says to have"):
        medium.look(iso)


@pytest.mark.parametrize("content", [b"", b"no ISO", bytes(1 << 20)])
def test_what_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.iso").write_bytes(content)
    with pytest.raises(BadInput, match="an ISO 9660 image, which this is not"):
        medium.look(tmp_path / "x.iso")


def test_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "x.iso", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(BadInput, match=words):
            medium.look(path)
