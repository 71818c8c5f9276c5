"""SHA256SUMS, held against coreutils' own."""

import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from isobuild.trust import sums

ONE, TWO = "1a" * 32, "2b" * 32


def test_sha256sum_reads_them(tmp_path: Path, needed: Callable[[str], str]) -> None:
    (tmp_path / "tea.iso").write_bytes(b"tea")
    (tmp_path / "SHA256SUMS").write_bytes(sums.write({"tea.iso": sha256(b"tea").hexdigest()}))
    check = [needed("sha256sum"), "--strict", "-c", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, check=True, capture_output=True, text=True).stdout == "tea.iso: OK\n"


def test_what_was_written_is_read() -> None:
    assert sums.read(sums.write({"a": ONE, "b": TWO}).decode()) == {"a": ONE, "b": TWO}


def test_others_write_them_otherwise() -> None:
    text = f"# comment\n{ONE.upper()} *./images/a.iso\r\n\n{TWO}  b c.iso\n{ONE} d.iso\nshort  e.iso\n"
    assert sums.read(text) == {"a.iso": ONE, "b c.iso": TWO}
