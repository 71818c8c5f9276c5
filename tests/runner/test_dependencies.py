"""What the dependencies made is given to a build, and the store's own files come to no harm by it."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from sites import Site

from isobuild.errors import HostFault
from isobuild.runner import dependencies
from isobuild.runner.workspace import Workspaces

from .conftest import Work

HARM = """
cd "$ISOBUILD_IN/dependencies/3"
for file in base.iso base.manifest; do
    (echo harm >>"$file"); truncate -s 0 "$file"; chmod 666 "$file"; chown "$(id -u)" "$file"
    touch -d 1999-01-01 "$file"; ln "$file" "$ISOBUILD_OUT/link"; mv "$file" x; rm -f "$file"
    ln -s "$file" "$ISOBUILD_OUT/$file"; chmod 666 "$ISOBUILD_OUT/$file"
    unshare --user --map-root-user sh -c "echo harm >>$file; chmod 666 $file; chown 0:0 $file"
done
rm -rf "$ISOBUILD_IN/dependencies"; mv "$ISOBUILD_IN/dependencies" ..
exit 0
"""


@pytest.fixture
def given(site: Site) -> list[dict[str, Any]]:
    """Task 3, whose files lie in the store, and task 4, which failed."""
    folder = site.home / "store" / "9"
    folder.mkdir(parents=True)
    for name in ("base.iso", "base.manifest"):
        (folder / name).write_text(f"{name}\n" * 3)
        (folder / name).chmod(0o644)
    third = {"task": 3, "name": "base", "iso": folder / "base.iso", "size": 27, "sha256": "ab" * 32}
    fourth = {"task": 4, "name": "other", "iso": None, "size": None, "sha256": None, "manifest": None, "results": {}}
    return [third | {"manifest": folder / "base.manifest", "results": {"kernel": "6.1"}}, fourth]


def test_a_script_can_read_what_its_dependencies_made(work: Work, given: list[dict[str, Any]]) -> None:
    """S4.17: the results of the dependencies are handed to the script, and it asks nobody for them."""
    worked = work("sh", "-ec", 'cd "$ISOBUILD_IN"; cat dependencies.json dependencies/*/*', dependencies=given)
    assert worked.status == 0
    told, files = json.JSONDecoder().raw_decode(worked.out)
    assert worked.out[files:].split() == ["base.iso"] * 3 + ["base.manifest"] * 3
    folder = worked.workspace.inputs / "dependencies/3"
    paths = {"iso": f"{folder}/base.iso", "manifest": f"{folder}/base.manifest"}
    assert told == [given[0] | paths, given[1]]


def test_whatever_a_build_does_the_store_stays_as_it_is(
    work: Work, given: list[dict[str, Any]], workspaces: Workspaces
) -> None:
    """S4.17: a build may read what its dependencies made, and change nothing of it."""
    before = {path: _facts(path) for path in _stored(given)}
    worked = work("sh", "-c", HARM, dependencies=given)
    assert worked.status == 0
    assert os.geteuid() or "Permission denied" in worked.err
    assert {path: _facts(path) for path in before} == before
    workspaces.remove(1)
    assert {path: (*_facts(path), path.stat().st_nlink) for path in before} == {
        path: (*facts, 1) for path, facts in before.items()
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="the present user builds: the files are copied")
def test_it_costs_no_room_where_another_user_builds(work: Work, given: list[dict[str, Any]]) -> None:
    folder = work("true", dependencies=given).workspace.inputs / "dependencies/3"
    assert all((folder / path.name).samefile(path) for path in _stored(given))


def test_who_builds_as_the_service_gets_copies(tmp_path: Path, given: list[dict[str, Any]]) -> None:
    dependencies.give(given, tmp_path, copied=True)
    for path in _stored(given):
        copy = tmp_path / "dependencies/3" / path.name
        assert not copy.samefile(path)
        assert (copy.read_bytes(), stat.S_IMODE(copy.stat().st_mode)) == (path.read_bytes(), 0o444)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a file system")
def test_on_another_file_system_they_are_copied_too(tmp_path: Path, given: list[dict[str, Any]]) -> None:
    import sh

    sh.Command("mount")("-t", "tmpfs", "tmpfs", str(tmp_path))
    try:
        dependencies.give(given, tmp_path, copied=False)
        assert (tmp_path / "dependencies/3/base.iso").read_text() == "base.iso\n" * 3
    finally:
        sh.Command("umount")(str(tmp_path))


def test_a_recipe_cannot_write_through_a_link(workspaces: Workspaces, given: list[dict[str, Any]]) -> None:
    with pytest.raises(HostFault, match=r"can't be made: .*File exists"):
        workspaces.make(1, {"dependencies/3/base.iso": "harm"}, {}, {}, given)
    assert given[0]["iso"].read_text() == "base.iso\n" * 3


def test_a_file_that_is_gone_is_said(workspaces: Workspaces, given: list[dict[str, Any]]) -> None:
    given[0]["iso"].unlink()
    with pytest.raises(HostFault, match=r"can't be made: .*No such file.*base\.iso"):
        workspaces.make(1, {}, {}, {}, given)


def _stored(given: list[dict[str, Any]]) -> list[Path]:
    return [given[0]["iso"], given[0]["manifest"]]


def _facts(path: Path) -> tuple[object, ...]:
    facts = path.stat()
    return path.read_bytes(), facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns
