"""Export and import, as people and their pipes call them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sites import Site

from cli.conftest import Call


@pytest.fixture
def exported(site: Site, tmp_path: Path) -> Path:
    """What a site with two tasks gives."""
    for name in ("one", "two"):
        site.order(name, tags={"said": "é 🐧"})
    site.carry()
    file = tmp_path / "backup.jsonl"
    site.run("export", file)
    return file


def test_a_site_goes_into_a_new_home(site: Site, exported: Path, tmp_path: Path) -> None:
    new = {"ISOBUILD_HOME": str(tmp_path / "new")}
    said = site.run("import", exported, code=0, **new)
    rows = exported.read_text().count("\n") - 2
    assert (said.stdout, said.stderr) == ("", f"Imported: {rows} rows.\n")
    shown = json.loads(site.run("tasks", "--json", code=0, **new).stdout)
    assert [task | {"eta": None} for task in shown] == [task | {"eta": None} for task in site.json("tasks")]
    assert site.run("export", "-", code=0, **new).stdout == site.run("export").stdout == exported.read_text()


def test_through_a_pipe(site: Site, exported: Path, tmp_path: Path) -> None:
    new = site.env | {"ISOBUILD_HOME": str(tmp_path / "new")}
    command = [sys.executable, "-m", "isobuild", "import", "-"]
    with exported.open("rb") as file:
        subprocess.run(command, env=new, stdin=file, check=True, capture_output=True)
    assert site.run("export", ISOBUILD_HOME=str(tmp_path / "new")).stdout == exported.read_text()


def test_a_file_is_its_owners_and_appears_whole(call: Call, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isobuild import backup

    assert exported.stat().st_mode & 0o777 == 0o600
    before = exported.read_bytes()
    monkeypatch.setattr(backup, "_write", lambda *_: 1 / 0)
    assert call("export", exported).code == 1
    assert exported.read_bytes() == before
    assert list(exported.parent.glob(".*")) == []


def test_what_is_refused(call: Call, exported: Path, tmp_path: Path) -> None:
    said = call("import", exported)
    assert (said.code, said.out) == (3, "")
    assert "only an empty database takes an import" in said.err
    assert call("import", tmp_path / "none").code == 2
    assert call("import", tmp_path).code == 2
    said = call("export", tmp_path / "none" / "file")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "a place for a file (No such file or directory)" in said.err


def test_a_damaged_file_is_named_by_its_line(
    call: Call, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBUILD_HOME", str(tmp_path / "new"))
    exported.write_bytes(exported.read_bytes()[:-300])
    said = call("import", exported)
    assert said.code == 2
    assert f"isobuild: line {len(exported.read_text().splitlines())}: " in said.err
    assert json.loads(call("tasks", "--json").out) == []
