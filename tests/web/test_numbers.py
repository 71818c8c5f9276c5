"""Numbers of any size, on each kind of database: an answer that says so, never a fault."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from isobuild.config import Settings
from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.domain.numbers import LARGEST
from isobuild.recipes import Cookbook
from isobuild.store.local import LocalStore
from isobuild.web.app import create_app
from web.counter import NOW, OVEN, OWN

FAR = [LARGEST, LARGEST + 1, 2**63, "9" * 5000]


@pytest.fixture
def anywhere(database: Database, tmp_path: Path) -> TestClient:
    """A client of a page over each kind of database."""
    desk = Desk(
        settings=Settings(home=tmp_path), db=database, cookbook=Cookbook(tmp_path), store=LocalStore(tmp_path),
        host=OVEN, nudge=lambda: None, user="ann", now=lambda: NOW,
    )  # fmt: skip
    return TestClient(create_app(desk), OWN, follow_redirects=False, raise_server_exceptions=False)


@pytest.mark.parametrize("number", FAR)
def test_a_far_number_in_an_address(anywhere: TestClient, number: Any) -> None:
    for path in ("/api/tasks/{}", "/api/tasks/{}/history", "/tasks/{}", "/tasks/{}/log", "/download/{}/x.iso"):
        assert anywhere.get(path.format(number)).status_code == 404, path
    assert anywhere.post(f"/api/tasks/{number}/cancel").status_code == 404
    assert anywhere.delete(f"/api/tasks/{number}").status_code == 404


@pytest.mark.parametrize("number", FAR)
def test_a_far_number_in_a_query(anywhere: TestClient, number: Any) -> None:
    wanted = {200} if number == LARGEST else {422}
    paths = ("/api/tasks?before={}", "/api/builds?task={}", "/?before={}")
    assert {anywhere.get(path.format(number)).status_code for path in paths} == wanted
    assert anywhere.get(f"/order/tiny?like={number}").status_code in {404, 422}


@pytest.mark.parametrize("number", [*FAR[:-1], 10**30, 10**4000, *map(str, FAR), "9" * 10, "9" * 11])
def test_a_far_number_among_what_an_order_waits_for(anywhere: TestClient, number: Any) -> None:
    answer = anywhere.post("/api/tasks", json={"recipe": "tiny", "name": "kiosk", "after": [number]})
    assert (answer.status_code, answer.json()["field"]) == (422, "after")
    typed = {"name": "kiosk", "priority": "0", "queue": "default", "after": str(number)}
    page = anywhere.post("/order/tiny", data=typed)
    assert page.status_code == 422
    assert anywhere.get("/api/tasks").json() == []


@pytest.mark.parametrize("field", ["priority", "max_attempts", "time_limit", "soft_limit", "ttl"])
@pytest.mark.parametrize("number", [2**33, 2**63, 10**30, 10**400])
def test_a_far_number_in_an_order(anywhere: TestClient, field: str, number: int) -> None:
    answer = anywhere.post("/api/tasks", json={"recipe": "tiny", "name": "kiosk", field: number})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
