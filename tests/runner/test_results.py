"""What a build leaves beside its ISO is read with care: results.json and the manifest."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from isobuild.errors import BadResult
from isobuild.runner.results import LARGEST
from isobuild.runner.workspace import Workspace

from .conftest import Work


def test_a_script_may_leave_results_and_a_manifest(work: Work) -> None:
    """S4.35: results are few facts and a file, not bytes in the database."""
    script = """echo '{"kernel": "6.1", "sizes": [1, 2.5], "é": null}' >results.json; echo 'bash 5.2-1' >manifest"""
    worked = work("sh", "-ec", f'cd "$ISOBUILD_OUT"; {script}')
    assert worked.status == 0
    assert worked.workspace.results() == {"kernel": "6.1", "sizes": [1, 2.5], "é": None}
    manifest = worked.workspace.open_manifest()
    assert manifest
    with manifest:
        assert manifest.read() == b"bash 5.2-1\n"


def test_it_need_not(work: Work) -> None:
    worked = work("true")
    assert worked.workspace.results() == {}
    assert worked.workspace.open_manifest() is None


@pytest.fixture
def left(tmp_path: Path) -> Workspace:
    (tmp_path / "out").mkdir()
    return Workspace(tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON: Expecting value"),
        (b"{", "it is not JSON: Expecting property name"),
        (b"\xff\xfe{}", "it is not JSON: 'utf-8' codec can't decode"),
        (b'{"a": ' + b"[" * 9000 + b"]" * 9000 + b"}", "it is not JSON: maximum recursion depth"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "lists at most 32 deep"),
        (b'{"a": NaN}', "finite numbers"),
        (b'{"a": 1e999}', "finite numbers"),
        (b'{"a": "\\ud800"}', "Unicode text"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it is not JSON: Exceeds the limit"),
        (b"[1]", "it is not a JSON object"),
        (b"null", "it is not a JSON object"),
        (b'{"a": "' + b"x" * (64 << 10) + b'"}', "it is larger than 64 KiB"),
        (b'{"a": "' + "é".encode() * (16 << 10) + b'"}', "in ASCII, as databases have it, it is larger"),
    ],
)
def test_broken_results_are_the_scripts_fault(left: Workspace, content: bytes, why: str) -> None:
    (left.out / "results.json").write_bytes(content)
    with pytest.raises(BadResult, match=rf"The build left a results\.json in .* can't be used: .*{why}") as caught:
        left.results()
    assert caught.value.cause == "request"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"bash \xff\n", "it is not text in UTF-8"),
        (b"bash 5\n" * 300000 + "é".encode()[:1], "it is not text in UTF-8"),
        (bytes(LARGEST["manifest"] + 1), "it is larger than 16384 KiB"),
    ],
    ids=["one byte", "cut", "large"],
)
def test_a_broken_manifest_is_too(left: Workspace, content: bytes, why: str) -> None:
    (left.out / "manifest").write_bytes(content)
    with pytest.raises(BadResult, match=why):
        left.open_manifest()


def _hard_link(path: Path) -> None:
    path.with_name("other").write_text("{}")
    path.hardlink_to(path.with_name("other"))


@pytest.mark.parametrize("name", ["results.json", "manifest"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, Path.mkdir, _hard_link, lambda path: path.symlink_to("/etc/passwd")],
    ids=["pipe", "folder", "hard link", "link"],
)  # fmt: skip
def test_only_a_plain_file_is_read(left: Workspace, name: str, make: Callable[[Path], None]) -> None:
    make(left.out / name)
    with pytest.raises(BadResult, match=f"{name} in .*: (it is not a plain file|Too many levels of symbolic links)"):
        left.results() if name == "results.json" else left.open_manifest()
