"""What the API tells and changes beside an order itself: the line, queues, dependencies, tags, history, limits."""

from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from isobuild.domain.rules import Allowance, Rules
from web.counter import NOW, Counter
from web.test_api import GOOD, problem


def order(client: TestClient, name: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/tasks", json=GOOD | {"name": name} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_all_that_may_be_said_about_an_order(client: TestClient) -> None:
    order(client, "base")
    task = order(
        client, "late", not_before="2026-11-22T03:00:00+07:00", not_after="2026-11-23T00:00:00Z", after=["base", 1],
        on_dependency_failure="wait", without_overlapping=False, tags={"team": "kde"}, max_attempts=2, time_limit=600,
        soft_limit=300.5, ttl=-1, iso="later.iso", boot_test=False,
    )  # fmt: skip
    assert (task["not_before"], task["not_after"]) == ("2026-11-21T20:00:00Z", "2026-11-23T00:00:00Z")
    assert (task["state"], task["after"], task["on_dependency_failure"]) == ("blocked", [1], "wait")
    assert (task["tags"], task["max_attempts"], task["ttl"], task["iso"]) == ({"team": "kde"}, 2, -1, "later.iso")
    assert (task["time_limit"], task["soft_limit"], task["boot_test"]) == (600, 300.5, False)
    assert task["why"] == "it waits for task 1 (base)"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"not_before": "tomorrow"}, "not_before"),
        ({"not_before": "2026-11-22T03:00:00"}, "not_before"),
        ({"not_after": "2020-01-01T00:00:00Z"}, "not_after"),
        ({"after": [99]}, "after"),
        ({"after": ["nobody"]}, "after"),
        ({"after": "base"}, "after"),
        ({"on_dependency_failure": "hope"}, "on_dependency_failure"),
        ({"tags": {"Team": "kde"}}, "tags"),
        ({"tags": {"team": 3}}, "tags.team"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"time_limit": 0}, "time_limit"),
        ({"soft_limit": 99999}, "soft_limit"),
        ({"ttl": -2}, "ttl"),
        ({"boot_test": "yes"}, "boot_test"),
        ({"fresh": "yes"}, "fresh"),
        ({"queue": "nowhere"}, "queue"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_can_not_be_is_named(client: TestClient, more: dict[str, Any], field: str) -> None:
    found = problem(client.post("/api/tasks", json=GOOD | more), 422)
    assert found["field"].startswith(field)
    assert client.get("/api/tasks").json() == []


def test_orders_that_come_together(client: TestClient) -> None:
    slips = [GOOD | {"name": "flavour", "after": ["base"]}, GOOD | {"name": "base"}]
    answer = client.post("/api/orders", json=slips)
    assert (answer.status_code, [task["name"] for task in answer.json()]) == (201, ["flavour", "base"])
    assert answer.json()[0]["after"] == [answer.json()[1]["id"]]
    circle = [GOOD | {"name": "a", "after": ["b"]}, GOOD | {"name": "b", "after": ["a"]}]
    assert "can't be built" in problem(client.post("/api/orders", json=circle), 422)["detail"]
    problem(client.post("/api/orders", json=[]), 422)
    assert len(client.get("/api/tasks").json()) == 2


def test_the_same_order_is_told_at_once(counter: Counter) -> None:
    counter.fingerprint = "5a" * 32
    client = counter.connect()
    first = order(client, "first")
    again = order(client, "again")
    assert (again["state"], again["follows"]) == ("blocked", first["id"])
    assert order(client, "fresh", fresh=True)["state"] == "pending"


def test_a_second_one_of_the_only_one_is_refused(client: TestClient) -> None:
    order(client, "only", without_overlapping=True)
    found = problem(client.post("/api/tasks", json=GOOD | {"name": "two", "without_overlapping": True}), 409)
    assert "Task 1 is the same and has not ended" in found["detail"]


def test_too_many_are_told_when_to_come_again(counter: Counter) -> None:
    """Token buckets: a refusal says when."""
    counter.host = replace(counter.host, rules=Rules(orders=Allowance(2, timedelta(hours=1))))
    client = counter.connect()
    order(client, "one"), order(client, "two")
    answer = client.post("/api/tasks", json=GOOD | {"name": "three"})
    assert "dikyos has ordered as many ISOs as anybody may here, 2 per hour" in problem(answer, 429)["detail"]
    assert NOW < parsedate_to_datetime(answer.headers["Retry-After"]) <= NOW + timedelta(minutes=31)


def test_queues_are_paused_and_resumed(client: TestClient) -> None:
    order(client, "kiosk", queue="low")
    paused = client.post("/api/queues/low/pause", json={"reason": "mirror down"}).json()
    assert [queue["reason"] for queue in paused] == [None, None, "mirror down"]
    assert (paused[2]["who"], paused[2]["paused_at"]) == ("dikyos", "2026-11-21T06:43:00.123456Z")
    assert client.get("/api/tasks/1").json()["why"] == "queue low is paused: mirror down"
    assert client.post("/api/queues/low/resume").json() == client.get("/api/queues").json()
    assert "is not paused" in problem(client.post("/api/queues/low/resume"), 409)["detail"]
    assert problem(client.post("/api/queues/cake/pause", json={"reason": "x"}), 422)["field"] == "queue"
    assert problem(client.post("/api/queues/low/pause", json={"reason": ""}), 422)["field"] == "reason"


def test_a_build_is_given_back(counter: Counter, client: TestClient) -> None:
    order(client, "kiosk")
    counter.start()
    assert client.post("/api/tasks/1/release", json={"not_before": "2026-11-22T00:00:00Z"}).json()["stopping"] is True
    assert "being stopped" in problem(client.post("/api/tasks/1/release", json={}), 409)["detail"]
    problem(client.post("/api/tasks/9/release", json={}), 404)
    assert problem(client.post("/api/tasks/1/release", json={"not_before": "x"}), 422)["field"] == "not_before"


def test_tags_pins_and_history(client: TestClient) -> None:
    """S4.8, S4.22: what changed, when, by whom; tags are set and taken away."""
    order(client, "kiosk", tags={"team": "kde", "draft": ""})
    assert client.post("/api/tasks/1/tags", json={"put": {"team": "xfce"}, "drop": ["draft"]}).json()["tags"] == {
        "team": "xfce"
    }
    assert client.post("/api/tasks/1/pin").json()["pinned"] is True
    assert client.post("/api/tasks/1/unpin").json()["pinned"] is False
    client.post("/api/tasks/1/cancel")
    events = client.get("/api/tasks/1/history").json()
    assert [(event["from"], event["to"], event["who"]) for event in events] == [
        (None, "pending", "dikyos"),
        ("pending", "canceled", "dikyos"),
    ]
    client.delete("/api/tasks/1")
    assert client.get("/api/tasks/1/history").json()[:2] == events
    for path in ("/api/tasks/9/history", "/api/schedules/nightly"):
        problem(client.get(path), 404)
    problem(client.post("/api/tasks/9/pin"), 404)
    problem(client.post("/api/tasks/9/tags", json={"put": {"a": "b"}}), 404)


def test_stats(client: TestClient) -> None:
    order(client, "kiosk")
    found = client.get("/api/stats").json()
    assert (found["tasks"]["pending"], found["recipes"], found["forecasts"]["told"]) == (1, {}, 0)


def test_tasks_are_found_by_tags_and_text(client: TestClient) -> None:
    """S4.22: search by tags."""
    order(client, "one", tags={"team": "kde"})
    order(client, "two", tags={"team": "xfce"})
    order(client, "three")

    def names(query: str) -> list[str]:
        return [task["name"] for task in client.get(f"/api/tasks?{query}").json()]

    assert names("tag=team%3Dkde") == ["one"]
    assert names("tag=team") == ["two", "one"]
    assert names("tag=team&search=TWO") == ["two"]
    assert names("search=nothing") == []
    link = client.get("/api/tasks?tag=team&limit=1").links["next"]["url"]
    assert [task["name"] for task in client.get(link).json()] == ["one"]
    page = client.get("/?tag=team%3Dkde").text
    assert (">one</a>" in page, ">two</a>" in page, '<span class="tag">team=kde</span>' in page) == (True, False, True)
    assert "There are no such tasks." in client.get("/?search=nothing").text
    assert problem(client.get("/api/tasks?tag=%C3%84"), 422)["field"] == "tags"
