"""Newer packages on the page and in the API."""

import re

from starlette.testclient import TestClient

from isobuild.domain import updates
from web.counter import NOW, Counter

WEAK = {"name": "openssl", "old": "3.0.1-1", "new": "3.0.1-2", "security": True}
OLD = {"name": "htop", "old": "1", "new": "2", "security": False}


def ready(counter: Counter, *found: dict[str, object], why: str = "") -> int:
    number, _ = counter.make("lab", b"an ISO")
    counter.db.write(updates.note, number, found, NOW)
    if why:
        counter.db.write(updates.complain, number, why, NOW)
    return number


def test_lists_and_the_task_s_page_show_them(client: TestClient, counter: Counter) -> None:
    number = ready(counter, OLD, WEAK, OLD | {"name": "nano"})
    assert '<span class="mark security">3 updates, 1 for security</span>' in client.get("/").text
    page = client.get(f"/tasks/{number}").text
    assert "Since it was built, 3 updates, 1 for security." in page
    assert re.findall(r"<li><b>(\S+)</b> (\S+) → (\S+?)(?: <span|</li>)", page) == [
        ("openssl", "3.0.1-1", "3.0.1-2"), ("htop", "1", "2"), ("nano", "1", "2"),
    ]  # fmt: skip


def test_one_that_has_none_says_so_on_its_page_only(client: TestClient, counter: Counter) -> None:
    number = ready(counter)
    assert "None. As of" in client.get(f"/tasks/{number}").text
    assert "update" not in re.sub(r"<head>.*</head>", "", client.get("/").text, flags=re.DOTALL)


def test_a_look_in_vain_says_why(client: TestClient, counter: Counter) -> None:
    page = client.get(f"/tasks/{ready(counter, OLD, why='the archives did not answer')}").text
    assert "The archives did not answer." in page
    assert "Since it was built, 1 update." in page


def test_what_was_not_looked_at_is_not_called_none(client: TestClient, counter: Counter) -> None:
    number = ready(counter)
    counter.db.write(updates.note, number, [], NOW, "what its ISO brought along was not looked at")
    page = client.get(f"/tasks/{number}").text
    assert "What its ISO brought along was not looked at." in page
    assert "None." not in page
    counter.db.write(updates.note, number, [OLD], NOW, "what its ISO brought along was not looked at")
    page = client.get(f"/tasks/{number}").text
    assert "What its ISO brought along was not looked at." in page
    assert "Since it was built, 1 update." in page
    assert page.count("As of") == 1


def test_the_button_orders_it_again(client: TestClient, counter: Counter) -> None:
    number = ready(counter, OLD)
    answer = client.post(f"/tasks/{number}/rebuild")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks/2")
    assert (counter.task(2)["name"], counter.task(2)["state"]) == ("lab-20261121", "pending")
    assert client.post("/tasks/99/rebuild").status_code == 404


def test_the_api_has_them(client: TestClient, counter: Counter) -> None:
    assert client.get("/api/updates").json() == []
    number = ready(counter, OLD, WEAK)
    counted = {"count": 2, "security": 1, "why": None, "at": "2026-11-21T06:43:00.123456Z"}
    assert client.get(f"/api/tasks/{number}").json()["updates"] == counted
    assert client.get(f"/api/tasks/{number}/updates").json() == counted | {"packages": [WEAK, OLD]}
    assert [task["id"] for task in client.get("/api/updates").json()] == [number]
    answer = client.post(f"/api/tasks/{number}/rebuild")
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/tasks/2")
    assert client.get("/api/tasks/2/updates").json() is None
    assert client.get("/api/tasks/99/updates").status_code == 404
