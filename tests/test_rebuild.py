"""Building an ISO again: the same order, anew, under a name of the day."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cafe import RECIPE
from test_desk import desk_over

from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.domain.listing import show_task
from isobuild.errors import InvalidOption, NotFound
from isobuild.rebuild import rebuild


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return desk_over(database, tmp_path)


def test_it_is_the_same_order_anew(desk: Desk) -> None:
    desk.order("tiny", {}, name="base")
    wish: dict[str, Any] = {
        "queue": "low",
        "priority": 3,
        "tags": {"team": "kde"},
        "after": [1],
        "ttl": 60.0,
        "boot_test": True,
    }
    first = desk.order("tiny", {"hostname": "lab"}, name="lab", max_attempts=2, time_limit=90, **wish)
    again = rebuild(desk, first["id"])
    assert (again["name"], again["iso"], again["options"]) == ("lab-20261121", "lab-20261121.iso", first["options"])
    kept = ("queue", "priority", "tags", "after", "ttl", "boot_test", "max_attempts", "time_limit")
    assert {key: again[key] for key in kept} == {key: first[key] for key in kept}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lab", ["lab-20261121", "lab-20261121-2", "lab-20261121-3"]),
        ("lab-20251111-0300", ["lab-20261121", "lab-20261121-2"]),
        ("debian-12", ["debian-12-20261121"]),
        ("x" * 64, ["x" * 55 + "-20261121", "x" * 53 + "-20261121-2"]),
    ],
)
def test_its_name_is_free(desk: Desk, name: str, expected: list[str]) -> None:
    desk.order("tiny", {}, name=name)
    assert [rebuild(desk, number)["name"] for number, _ in enumerate(expected, 1)] == expected


def test_secrets_are_taken_over_by_who_has_them(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "cafe.py").write_text(RECIPE)
    mine = desk.order("cafe", {"oven": {"code": "sesame"}}, name="mine")
    rebuild(desk, mine["id"])
    with desk.db.read() as session:
        assert show_task(session, 2)["options"]["oven"]["code"] == "sesame"


def test_another_s_secrets_stay_his(database: Database, tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "cafe.py").write_text(RECIPE)
    ann = desk_over(database, tmp_path)
    ann.order("cafe", {"oven": {"code": "sesame"}}, name="mine")
    with pytest.raises(InvalidOption):
        rebuild(replace(ann, user="bob"), 1)
    assert len(ann.tasks()) == 1


def test_what_is_not_there_is_not_built_again(desk: Desk) -> None:
    with pytest.raises(NotFound):
        rebuild(desk, 7)
