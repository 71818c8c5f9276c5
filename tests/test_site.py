"""A site's parts, wired together."""

import os
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


@pytest.mark.parametrize(("name", "counts"), [("mail.py", True), ("_draft.py", False), (".mail.py", False)])
def test_a_hook_is_what_is_called_so(home: Path, name: str, counts: bool) -> None:
    settings = load()
    (home / "hooks").mkdir()
    (home / "hooks" / name).touch()
    here = site.ticking(settings)
    assert (here.keep.told, here.call_hooks is not None) == (counts, counts)
