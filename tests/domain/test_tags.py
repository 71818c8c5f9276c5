"""Tags: words about a task, and their values."""

import pytest
from orders import NOW, all_rows, order_task

from isobuild.db import Database
from isobuild.domain import tags, tasks
from isobuild.errors import BadInput, NotFound


def change(database: Database, put: dict[str, str], *drop: str) -> dict[str, str]:
    """Change the tags of task 1; those it has then."""
    database.write(tags.change, 1, put, drop)
    with database.read() as session:
        return tags.of(session, 1)[1]


def test_tags_are_set_and_taken_away(database: Database) -> None:
    """S4.22: a task has each tag once, with a value, and other tasks have others."""
    order_task(database, "tea", tags={"team": "kde"})
    order_task(database, "mint", tags={"team": "gnome"})
    assert change(database, {"release": "", "team": "xfce"}) == {"release": "", "team": "xfce"}
    assert change(database, {"release": "bookworm"}, "team", "unknown") == {"release": "bookworm"}
    assert change(database, {"Team".lower(): "é 🐧"}, "release") == {"team": "é 🐧"}
    with database.read() as session:
        assert tags.of(session, 2, 3) == {2: {"team": "gnome"}, 3: {}}


def test_tags_go_with_their_task(database: Database) -> None:
    order_task(database, "tea", tags={"team": "kde"})
    database.write(tasks.remove, 1, "ann", NOW)
    assert all_rows(database)["tags"] == []


@pytest.mark.parametrize(
    ("put", "words"),
    [
        ({"Team": "x"}, "'Team' can't be used: 1 to 64 of a-z"),
        ({"": "x"}, "'' can't be used"),
        ({"a" * 65: "x"}, "can't be used: 1 to 64"),
        ({"team": "two\nlines"}, "as the value of tag team"),
        ({"team": "x" * 201}, "up to 200 characters"),
        ({"team": "kde "}, "no space around it"),
        ({f"t{number}": "" for number in range(51)}, "'51 tags' can't be used: at most 50"),
    ],
)
def test_what_can_be_no_tag(database: Database, put: dict[str, str], words: str) -> None:
    order_task(database, "tea", tags={"team": "kde"})
    with pytest.raises(BadInput, match=words) as refused:
        change(database, put)
    assert refused.value.field == "tags"
    with database.read() as session:
        assert tags.of(session, 1)[1] == {"team": "kde"}


def test_what_can_be_no_tag_is_not_there_to_drop(database: Database) -> None:
    order_task(database, "tea")
    with pytest.raises(BadInput, match=r"^tags: "):
        database.write(tags.change, 1, {}, ["\ud800"])


def test_no_more_than_a_task_may_have(database: Database) -> None:
    order_task(database, "tea", tags={f"t{number}": "" for number in range(49)})
    assert len(change(database, {"one": ""})) == 50
    assert len(change(database, {"two": ""}, "one")) == 50
    with pytest.raises(BadInput, match="'51 tags' can't be used: at most 50"):
        change(database, {"three": ""})


def test_a_task_that_is_not_there(database: Database) -> None:
    with pytest.raises(NotFound, match=r"^There is no task 1"):
        change(database, {"team": "kde"})
