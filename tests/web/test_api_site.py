"""What the API tells and changes of the site itself: queues, schedules, limits, runners."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from isobuild.domain import runners
from isobuild.domain.rules import Allowance, Rules
from web.counter import NOW, OVEN, Counter
from web.test_api import GOOD, problem

NIGHTLY: dict[str, Any] = {"name": "nightly", "cron": "0 3 * * *", "recipe": "tiny"}


def test_a_schedule_is_added_with_all_that_may_be_said(client: TestClient) -> None:
    more = {
        "zone": "Asia/Jakarta", "grace": 7200, "options": {"hostname": "lab"}, "queue": "low", "priority": 4,
        "tags": {"team": "kde"}, "without_overlapping": True, "max_attempts": 2, "time_limit": 600, "soft_limit": 300,
        "ttl": 3600, "write_last_exec": True,
    }  # fmt: skip
    answer = client.post("/api/schedules", json=NIGHTLY | more)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/schedules/nightly")
    found = answer.json()
    assert found == client.get("/api/schedules/nightly").json()
    assert (found["zone"], found["grace"], found["user"]) == ("Asia/Jakarta", 7200, "dikyos")
    said = {name: value for name, value in more.items() if name not in ("zone", "grace", "options")}
    assert {name: found["order"][name] for name in said} == said
    assert found["order"]["options"]["hostname"] == "lab"
    assert found["next"][0]["at"] == "2026-11-21T20:00:00Z"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"recipe": "cake"}, "recipe"),
        ({"name": "no spaces"}, "name"),
        ({"name": "nightly"}, "name"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"zone": "Mars"}, "zone"),
        ({"grace": 1}, "grace"),
        ({"queue": "vip"}, "queue"),
        ({"tags": {"schedule": "x"}}, "tags"),
        ({"options": {"colour": "red"}}, "colour"),
        ({"after": [1]}, "after"),
    ],
)
def test_a_bad_schedule_names_its_field(client: TestClient, more: dict[str, Any], field: str) -> None:
    client.post("/api/schedules", json=NIGHTLY)
    assert problem(client.post("/api/schedules", json=NIGHTLY | {"name": "x"} | more), 422)["field"] == field
    assert [schedule["name"] for schedule in client.get("/api/schedules").json()] == ["nightly"]


def test_a_schedule_is_paused_resumed_run_and_removed(client: TestClient, counter: Counter) -> None:
    client.post("/api/schedules", json=NIGHTLY)
    here = "/api/schedules/nightly"
    for reason in ("mirror down", "still down"):
        assert client.post(f"{here}/pause", json={"reason": reason}).json()["reason"] == reason
    assert client.get(here).json()["next"] == []
    assert client.post(f"{here}/pause", json={}).status_code == 200
    assert client.post(f"{here}/resume").json()["paused_at"] is None
    assert "is not paused" in problem(client.post(f"{here}/resume"), 409)["detail"]
    answer = client.post(f"{here}/run")
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/tasks/1")
    assert answer.json() == counter.task(1)
    assert client.delete(here).status_code == 204
    problem(client.delete(here), 404)
    for what in ("pause", "resume", "run"):
        problem(client.post(f"{here}/{what}", json={}), 404)
    assert counter.task(1)["state"] == "pending"


def test_a_run_may_be_refused(client: TestClient) -> None:
    client.post("/api/schedules", json=NIGHTLY | {"without_overlapping": True})
    assert client.post("/api/tasks", json=GOOD | {"without_overlapping": True}).status_code == 201
    problem(client.post("/api/schedules/nightly/run"), 409)


def test_limits(counter: Counter) -> None:
    counter.host = replace(counter.host, rules=Rules(orders=Allowance(2, timedelta(hours=1))))
    client = counter.connect()
    client.post("/api/tasks", json=GOOD)
    (found,) = client.get("/api/limits").json()
    assert (found["kind"], found["name"], found["left"], found["of"]) == ("orders", "dikyos", 1, "2 per hour")


def test_runners(counter: Counter, client: TestClient) -> None:
    first, second = (counter.db.write(runners.register, kind, os.getpid(), OVEN, NOW) for kind in ("run", "work"))
    counter.db.write(runners.end, first, 1 << 20, NOW)
    assert [runner["id"] for runner in client.get("/api/runners").json()] == [second]
    assert [runner["kind"] for runner in client.get("/api/runners?all=true").json()] == ["work", "run"]
    assert problem(client.get("/api/runners?limit=0"), 422)["field"] == "limit"


def test_all_that_waits_of_a_recipe_is_canceled(client: TestClient, counter: Counter) -> None:
    for name, queue in (("a", "low"), ("b", "high"), ("c", "low")):
        client.post("/api/tasks", json=GOOD | {"name": name, "queue": queue})
    cancel = "/api/tasks/cancel-waiting"
    assert client.post(cancel, json={"recipe": "tiny", "queue": "low"}).json() == [1, 3]
    assert client.post(cancel, json={"recipe": "tiny"}).json() == [2]
    assert client.post(cancel, json={"recipe": "tiny"}).json() == []
    assert problem(client.post(cancel, json={"recipe": "cake"}), 422)["field"] == "recipe"
    assert problem(client.post(cancel, json={"recipe": "tiny", "queue": "vip"}), 422)["field"] == "queue"
    assert problem(client.post(cancel, json={}), 422)["field"] == "recipe"


def test_without_a_word_about_it_the_usual_queue(counter: Counter) -> None:
    counter.settings = counter.settings.model_copy(update={"queues": ("release", "nightly")})
    client = counter.connect()
    assert client.post("/api/tasks", json=GOOD).json()["queue"] == "release"
    assert client.post("/api/schedules", json=NIGHTLY).json()["order"]["queue"] == "release"
