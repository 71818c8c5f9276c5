"""Every test here has a site, and the command line within this process, which is quicker than one of its own."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from sites import Site, build_user, site

from isobuild.cli.main import run

__all__ = ["build_user", "site"]


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def call(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `isobuild …` within this process."""
    for name, value in site.env.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        return Said(run([str(argument) for argument in arguments]), *capsys.readouterr())

    return call
