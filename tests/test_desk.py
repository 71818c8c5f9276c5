"""The desk: what was ordered is ordered, whatever comes after, and is shown as the next look shows it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from orders import HOST, NOW, order_task, start_build, succeed
from servers import Server

from isobuild.config import Settings
from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.domain import standing
from isobuild.domain.batch import Ordered
from isobuild.domain.numbers import LARGEST
from isobuild.errors import BadInput, NotFound
from isobuild.recipes import Cookbook
from isobuild.store.local import LocalStore

FAR = [LARGEST, LARGEST + 1, 2**63, 10**30]


def desk_over(database: Database, home: Path, nudge: Callable[[], object] = lambda: None) -> Desk:
    return Desk(
        settings=Settings(home=home), db=database, cookbook=Cookbook(home), store=LocalStore(home / "store"),
        host=HOST, nudge=nudge, user="ann", now=lambda: NOW,
    )  # fmt: skip


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return desk_over(database, tmp_path)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server: Server = request.getfixturevalue(request.param)
    yield server
    if server.process is None:
        server.start()


def wishes(desk: Desk, *names: str, **wish: Any) -> list[Ordered]:
    return [desk.wish("tiny", {}, name=name, **wish) for name in names]


def test_what_is_ordered_is_shown_as_the_next_look_shows_it(desk: Desk) -> None:
    order_task(desk.db, "past", user="ann")
    succeed(desk.db, start_build(desk.db))  # now there are forecasts
    added = desk.order_all(wishes(desk, "one", "two", tags={"team": "kde"}, time_limit=60, after=["past"]))
    assert added == [desk.task(shown["id"]) for shown in added]
    assert [shown["name"] for shown in added] == ["one", "two"]
    (alone,) = desk.order_all(wishes(desk, "alone", not_before=NOW))
    assert alone == desk.task(alone["id"])
    assert alone["eta"] and alone["why"]


def test_orders_that_come_together_take_one_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[standing.Look] = []

    class Counted(standing.Look):
        def __init__(self, *facts: Any) -> None:
            looks.append(self)
            super().__init__(*facts)

    monkeypatch.setattr(standing, "Look", Counted)
    assert [shown["before"] for shown in desk.order_all(wishes(desk, "one", "two", "three"))] == [0, 1, 2]
    assert len(looks) == 1


@pytest.mark.parametrize(("server", "database"), [(name, name) for name in ("mariadb", "postgresql")], indirect=True)
def test_an_order_that_is_committed_is_no_failure(server: Server, database: Database, tmp_path: Path) -> None:
    """Who was told that it failed would order again, and hear that the name is taken."""
    desk = desk_over(database, tmp_path, nudge=server.stop)
    shown = desk.order("tiny", {}, name="kiosk")
    assert (shown["id"], shown["name"], shown["state"], shown["eta"]) == (1, "kiosk", "pending", None)
    server.start()
    assert desk.task(1)["name"] == "kiosk"


@pytest.mark.parametrize("number", FAR)
def test_a_number_that_no_row_can_have_is_not_there(desk: Desk, number: int) -> None:
    for ask in (desk.task, desk.cancel, desk.retry, desk.remove, desk.file):
        with pytest.raises(NotFound):
            ask(number)
    with pytest.raises(BadInput) as refused:
        desk.order("tiny", {}, name="late", after=[number])
    assert refused.value.field == "after"
