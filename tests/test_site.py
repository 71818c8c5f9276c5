"""A site's parts, wired together."""

import os
import stat
from pathlib import Path

import pytest

from isobuild import site
from isobuild.config import load
from isobuild.errors import NotYourHome


def test_a_home_of_a_user_without_a_name_is_not_ours(home: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    os.chown(home, 4_000_000, -1)
    with pytest.raises(NotYourHome, match="belongs to user 4000000:"):
        site.prepare(load())


def test_what_builds_share_is_no_other_user_s_to_look_for(home: Path) -> None:
    """A layer may hold what an ISO that somebody brought has in it, such as its accounts."""
    settings = load()
    site.prepare(settings)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (settings.cache, settings.store)] == [0o700, 0o700]


@pytest.mark.parametrize(("name", "counts"), [("mail.py", True), ("_draft.py", False), (".mail.py", False)])
def test_a_hook_is_what_is_called_so(home: Path, name: str, counts: bool) -> None:
    settings = load()
    (home / "hooks").mkdir()
    (home / "hooks" / name).touch()
    here = site.ticking(settings)
    assert (here.keep.told, here.call_hooks is not None) == (counts, counts)
