"""Every test here has a site."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sites import Site, build_user, site

from isobuild import site as parts
from isobuild.runner.workspace import Workspace, Workspaces

__all__ = ["build_user", "site"]


@dataclass(frozen=True)
class Worked:
    """What became of a command in a workspace."""

    workspace: Workspace
    status: int | None
    out: str
    err: str


Work = Callable[..., Worked]


@pytest.fixture
def workspaces(site: Site) -> Workspaces:
    """The site's workspaces."""
    settings = site.settings()
    parts.prepare(settings)
    return parts.workspaces(settings)


@pytest.fixture
def work(workspaces: Workspaces) -> Work:
    """Makes workspace 1 and runs a command in it, as the build user; the workspace stays."""

    def work(
        *argv: str,
        files: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        dependencies: Sequence[Mapping[str, Any]] = (),
    ) -> Worked:
        out = workspaces.root / "1" / "out"
        environment = {"ISOBUILD_OUT": f"{out}", "ISOBUILD_IN": f"{out.with_name('in')}"}
        workspace = workspaces.make(1, files or {}, environment, options or {}, dependencies)
        heard = {"out": "", "err": ""}

        def hear(stream: str, chunk: str) -> None:
            heard[stream] += chunk

        door = workspaces.door
        running = door.run(door.user(0), workspace.path, ["--env", f"{workspace.environment}"], argv, hear)
        return Worked(workspace, running.wait(30), **heard)

    return work
