"""The folder of all builds' logs."""

from pathlib import Path

import pytest

from isobuild.store.logs import LONG, Logs


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    for name in ("1.log", "1.runner", "2.log", "3.runner", "hooks.log", "x.log", "4.txt"):
        (tmp_path / name).write_text("words")
    return Logs(tmp_path)


def test_it_knows_its_builds(logs: Logs) -> None:
    assert sorted(logs.owned()) == [1, 2, 3]
    assert [build for build in range(6) if logs.holds(build)] == [1, 2, 3]
    assert [logs.size(build) for build in (1, 2, 9)] == [10, 5, 0]


def test_what_is_removed_is_one_builds(logs: Logs) -> None:
    for build in (1, 3, 9):
        logs.remove(build)
    assert sorted(path.name for path in logs.folder.iterdir()) == ["2.log", "4.txt", "hooks.log", "x.log"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "none")
    assert list(logs.owned()) == []
    assert not logs.holds(1)
    logs.remove(1)


def test_logs_of_no_build_begin_anew_when_they_are_long(logs: Logs) -> None:
    (logs.folder / "spare.runner").write_bytes(b"x" * LONG)
    logs.trim()
    assert not list(logs.folder.glob("*.old"))
    for count in (1, 2):
        for name in ("hooks.log", "spare.runner"):
            (logs.folder / name).write_bytes(b"x" * (LONG + count))
        logs.trim()
        assert {path.name: path.stat().st_size for path in logs.folder.glob("*.old")} == {
            "hooks.log.old": LONG + count, "spare.runner.old": LONG + count,
        }  # fmt: skip
        assert not (logs.folder / "hooks.log").exists()
    logs.trim()
    assert sorted(logs.owned()) == [1, 2, 3]
