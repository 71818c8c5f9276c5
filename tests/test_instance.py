"""The name of an installation: made whole, once, by whoever is first."""

import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from isobuild.config import load
from isobuild.errors import InvalidSetting
from isobuild.instance import instance
from isobuild.site import host

CROWD = 8


def test_it_is_a_uuid_that_stays(home: Path) -> None:
    """S3.2: each installation has a name, by which it is told from others that share its database."""
    first = host(load()).instance
    assert str(uuid.UUID(first)) == first
    assert host(load()).instance == first
    assert (home / "instance").read_text() == f"{first}\n"


def test_two_homes_are_two_installations(tmp_path: Path) -> None:
    assert instance(tmp_path / "one/instance") != instance(tmp_path / "two/instance")


def test_all_who_come_first_at_once_get_the_same(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / str(number) / "instance"
        with ProcessPoolExecutor(CROWD, get_context("fork")) as pool:
            assert len(set(pool.map(instance, [file] * CROWD))) == 1
        assert [path.name for path in file.parent.iterdir()] == ["instance"]


@pytest.mark.parametrize("text", ["", "\n", "here", "5F3C8C0E-9B8E-4B7E-8B8E-0123456789AB", "\0"])
def test_what_is_no_uuid_is_said_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "instance"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=r"^Setting instance: .* is not allowed: a UUID in small letters"):
        instance(file)
    assert file.read_text() == text
