"""What a build is given, and what is taken from it: one plain file, and nothing that only looks like it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sites import Site

from isobuild.errors import HostFault, NoArtifact
from isobuild.image.secrets import Veil
from isobuild.runner.workspace import Workspace, Workspaces

LEFT = {
    "nothing": "true",
    "another kind": 'echo x >"$ISOBUILD_OUT/x.img"',
    "one in a folder": 'mkdir "$ISOBUILD_OUT/x" && echo x >"$ISOBUILD_OUT/x/x.iso"',
    "two": 'echo x >"$ISOBUILD_OUT/x.iso" && echo y >"$ISOBUILD_OUT/y.iso"',
    "an empty one": ': >"$ISOBUILD_OUT/x.iso"',
    "a link": 'echo x >x && ln -s "$PWD/x" "$ISOBUILD_OUT/x.iso"',
    "a link to a secret": 'ln -s /etc/shadow "$ISOBUILD_OUT/x.iso"',
    "a hard link": 'echo x >x && ln x "$ISOBUILD_OUT/x.iso"',
    "a pipe": 'mkfifo "$ISOBUILD_OUT/x.iso"',
    "a folder": 'mkdir "$ISOBUILD_OUT/x.iso"',
}


@pytest.mark.parametrize("left", LEFT)
def test_only_one_plain_file_is_an_iso(site: Site, left: str) -> None:
    site.order(text=f"#!/bin/sh\nset -e\n{LEFT[left]}\n")
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", "request")
    count = {"nothing": 0, "another kind": 0, "one in a folder": 0, "two": 2}.get(left, 1)
    assert (
        build["error"] == f"The build left {count} files named *.iso in {site.home}/work/1/out; exactly one is needed."
    )
    assert not site.stored()
    assert not site.workspaces()


def test_the_iso_is_called_as_it_was_ordered(site: Site) -> None:
    site.order("mine", '#!/bin/sh\necho x >"$ISOBUILD_OUT/whatever.iso"\n')
    assert site.carry()["state"] == "succeeded"
    assert [path.name for path in site.isos()] == ["mine.iso"]


def test_a_workspace_holds_what_the_build_is_given(workspaces: Workspaces) -> None:
    given = {"hook": "#!/bin/sh\n", "etc/motd": "hi\n"}
    workspace = workspaces.make(7, given, {"A": "1", "B": "two words"}, {"title": "é"})
    assert (workspace.inputs / "etc/motd").read_text() == "hi\n"
    assert workspace.environment.read_text() == "A=1\nB=two words\n"
    assert (workspace.inputs / "options.json").read_text() == '{\n  "title": "é"\n}\n'
    assert (workspace.inputs / "dependencies.json").read_text() == "[]\n"
    assert [_mode(workspace.inputs / name) for name in given] == [0o755, 0o644]
    assert [_mode(path) for path in (workspace.path, workspaces.root)] == [0o711, 0o711]
    assert list(workspaces.owned()) == [7]
    workspaces.remove(7)
    workspaces.remove(7)
    assert list(workspaces.owned()) == []


def test_what_is_given_can_be_read_whatever_the_services_umask(workspaces: Workspaces) -> None:
    before = os.umask(0o077)
    try:
        workspace = workspaces.make(7, {"etc/skel/motd": "hi\n"}, {"ISOBUILD_TOKEN": "secret"}, {})
    finally:
        os.umask(before)
    modes = {path.name: _mode(path) for path in workspace.inputs.rglob("*")}
    assert (modes["etc"], modes["skel"], modes["motd"]) == (0o755, 0o755, 0o644)
    assert (modes["options.json"], modes["dependencies.json"], modes["environment"]) == (0o640, 0o644, 0o600)


def test_what_has_a_secret_in_it_is_not_for_everybody(workspaces: Workspaces, tmp_path: Path) -> None:
    upload = tmp_path / ("a" * 64)
    upload.write_text("a picture")
    files = {"passwd": "ann:hash", "run": "#!/bin/sh\necho hash\n", "motd": "hi\n"}
    workspace = workspaces.make(7, files, {}, {}, uploads=[upload, upload], veil=Veil(["hash"]))
    assert [_mode(workspace.inputs / name) for name in files] == [0o640, 0o750, 0o644]
    assert (workspace.inputs / "uploads" / upload.name).read_text() == "a picture"


def test_a_workspace_is_never_used_again(workspaces: Workspaces) -> None:
    workspaces.begin(7)
    with pytest.raises(HostFault, match="can't be made"):
        workspaces.begin(7)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/etc/passwd")])
def test_opening_never_hangs_nor_follows(tmp_path: Path, make: Callable[[Path], None]) -> None:
    workspace = Workspace(tmp_path)
    workspace.out.mkdir()
    make(workspace.out / "x.iso")
    with pytest.raises(NoArtifact):
        workspace.open_iso()


def test_a_build_without_a_step_left_no_iso(workspaces: Workspaces) -> None:
    workspace = workspaces.make(7, {}, {}, {})
    with pytest.raises(NoArtifact, match="left 0 files"):
        workspace.open_iso()
    assert (workspace.results(), workspace.open_manifest()) == ({}, None)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
