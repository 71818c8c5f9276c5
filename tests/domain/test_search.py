"""Tasks are found again by their tags and by a part of a text."""

from typing import Any

import pytest
from orders import NOW, order_task
from sqlalchemy import select, text

from isobuild.db import Database
from isobuild.domain import listing, search, tasks
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Task
from isobuild.errors import BadInput


@pytest.fixture
def five(database: Database) -> Database:
    """Five tasks with tags, names and options of their own."""
    order_task(
        database, "Tea-1.0", options={"packages": ["nginx", "htop"]}, tags={"team": "kde", "release": "bookworm"}
    )
    order_task(database, "tea_2", options={"motto": "50% Étude \\ 'quoted' \"twice\""}, tags={"team": "kde"})
    order_task(database, "mint", user="setyo", iso="Fresh.iso", tags={"team": "gnome", "release": ""})
    order_task(database, "plain", options={"Motto": "ÄRGER"})
    order_task(database, "last", tags={"release": "trixie", "team": "kde/"})
    return database


def found(database: Database, **chosen: Any) -> list[int]:
    with database.read() as session:
        return [task["id"] for task in listing.list_tasks(session, **chosen)]


@pytest.mark.parametrize(
    ("tags", "numbers"),
    [
        ({"team": "kde"}, [2, 1]),
        ({"team": None}, [5, 3, 2, 1]),
        ({"team": "kde", "release": None}, [1]),
        ({"release": ""}, [3]),
        ({"release": None}, [5, 3, 1]),
        ({"team": "KDE"}, []),
        ({"kde": None}, []),
        ({"team": "kd_"}, []),
        ({}, [5, 4, 3, 2, 1]),
    ],
)
def test_tags_must_all_be_there(five: Database, tags: dict[str, str | None], numbers: list[int]) -> None:
    """S4.22: they are for search."""
    assert found(five, tags=tags) == numbers


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("tea", [2, 1]),
        ("TEA", [2, 1]),
        ("a-1.0", [1]),
        ("fresh", [3]),
        ("nginx", [1]),
        ("tiny", [5, 4, 3, 2, 1]),  # the recipe
        ("tea_", [2]),
        ("50%", [2]),
        ("%", [2]),
        ("/", []),
        ("\\", [2]),
        ("'quoted'", [2]),
        ('"twice"', [2]),
        ("étude", [2]),
        ("ÉTUDE", [2]),
        ("ärger", [4]),
        ("nothing like it", []),
    ],
)
def test_a_text_is_a_part_in_small_letters_or_capitals(five: Database, words: str, numbers: list[int]) -> None:
    assert found(five, text=words) == numbers


def test_all_that_is_said_must_hold(five: Database) -> None:
    five.write(tasks.cancel, 2, "ann", NOW)
    assert found(five, tags={"team": "kde"}, text="tea", state=TaskState.PENDING) == [1]
    assert found(five, tags={"team": None}, user="setyo") == [3]
    assert found(five, text="tea", user="setyo") == []


def test_pages_go_by_number(five: Database) -> None:
    assert found(five, tags={"team": None}, limit=2) == [5, 3]
    order_task(five, "new", tags={"team": "kde"})  # arrives between two pages
    assert found(five, tags={"team": None}, limit=2, before=3) == [2, 1]
    assert found(five, text="T", tags={"team": None}, limit=1, before=3) == [2]


@pytest.mark.parametrize("words", ["x" * 201, "a\x00b", "two\nlines", "\udcff"])
def test_a_text_that_nobody_types(five: Database, words: str) -> None:
    with pytest.raises(BadInput, match=r"search: .* a text in one line of up to 200 characters"):
        found(five, text=words)


def test_a_tag_that_can_be_none(five: Database) -> None:
    with pytest.raises(BadInput, match="tags: 'Team' can't be used"):
        found(five, tags={"Team": None})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("value", ["kde", None])
def test_a_tag_is_found_by_its_index(database: Database, value: str | None) -> None:
    (has,) = search.tagged({"team": value})
    query = select(Task.id).where(has).compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.engine.connect() as connection:
        plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert any("ix_tags_tag_value_task_id" in step for step in plan), plan
    assert [step for step in plan if step.startswith("SCAN tasks")] == []
