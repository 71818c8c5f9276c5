"""The API: the same calls as JSON, and every refusal a problem that names the field."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from web.counter import Counter, fill

GOOD: dict[str, Any] = {"recipe": "tiny", "name": "kiosk"}


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer is."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return found


def test_an_order(client: TestClient, counter: Counter) -> None:
    """S0.C12: an order is a task, and no build yet."""
    answer = client.post("/api/tasks", json=GOOD | {"options": {"hostname": "lab"}, "queue": "high", "priority": -3})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/tasks/1")
    assert answer.json() == client.get("/api/tasks/1").json() == counter.task(1)
    assert answer.json()["options"]["hostname"] == "lab"
    assert (answer.json()["queue"], answer.json()["priority"], answer.json()["user"]) == ("high", -3, "dikyos")
    assert (client.get("/api/builds").json(), counter.nudges) == ([], 1)


def test_what_is_listed_is_what_the_command_line_lists(counter: Counter, client: TestClient) -> None:
    numbers = fill(counter)
    assert client.get("/api/tasks").json() == counter.tasks()
    ready = client.get("/api/tasks?state=ready").json()
    assert [task["id"] for task in ready] == [numbers["ready"]]
    assert client.get("/api/tasks?user=nobody").json() == []
    builds = client.get("/api/builds").json()
    assert [build["task_id"] for build in builds] == [5, 3, 2, 1]
    assert "token" not in builds[0]
    assert [build["id"] for build in client.get("/api/builds?task=2").json()] == [2]


def test_pages_are_linked(counter: Counter, client: TestClient) -> None:
    fill(counter)
    answer = client.get("/api/tasks?limit=5&user=setyos")
    seen = [task["id"] for task in answer.json()]
    while link := answer.links.get("next"):
        answer = client.get(link["url"])
        seen += [task["id"] for task in answer.json()]
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1]


def test_cancel_retry_and_remove(counter: Counter, client: TestClient) -> None:
    client.post("/api/tasks", json=GOOD)
    assert client.post("/api/tasks/1/cancel").json()["state"] == "canceled"
    assert "only a task that waits" in problem(client.post("/api/tasks/1/cancel"), 409)["detail"]
    assert client.post("/api/tasks/1/retry").json()["state"] == "pending"
    counter.start()
    assert "open build" in problem(client.delete("/api/tasks/1"), 409)["detail"]
    assert client.post("/api/tasks/1/cancel").json()["stopping"] is True
    client.post("/api/tasks", json=GOOD | {"name": "second"})
    answer = client.delete("/api/tasks/2")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "There is no task 2" in problem(client.get("/api/tasks/2"), 404)["detail"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"name": "kiosk\0"}, "name"),
        ({"name": ["kiosk"]}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": None}, "name"),
        ({"recipe": "cake"}, "recipe"),
        ({"recipe": 3}, "recipe"),
        ({"options": {"hostname": "Bad_Host"}}, "hostname"),
        ({"options": {"hostname": "\udcff"}}, "hostname"),
        ({"options": {"hostname": 7}}, "hostname"),
        ({"options": {"hostname": float("nan")}}, "hostname"),
        ({"options": {"colour": "red"}}, "colour"),
        ({"options": {"\ud800": "red"}}, "?"),
        ({"options": []}, "options"),
        ({"options": "hostname=x"}, "options"),
        ({"queue": "fastest"}, "queue"),
        ({"queue": 1}, "queue"),
        ({"priority": 1001}, "priority"),
        ({"priority": 10**40}, "priority"),
        ({"priority": "1"}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": 1.5}, "priority"),
        ({"priority": float("inf")}, "priority"),
        ({"state": "ready"}, "state"),
    ],
)
def test_bad_input_names_its_field(client: TestClient, counter: Counter, wish: dict[str, Any], field: str) -> None:
    body = json.dumps(GOOD | wish)
    found = problem(client.post("/api/tasks", content=body, headers={"Content-Type": "application/json"}), 422)
    assert found["field"] == field
    assert {"given", "allowed"} <= found.keys()
    assert (counter.tasks(), counter.nudges) == ([], 0)


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("-inf"), "deep"])
def test_an_option_of_any_kind_is_still_checked(client: TestClient, counter: Counter, value: object) -> None:
    for _ in range(700 * (value == "deep")):
        value = [value]
    script = counter.settings.home / "scripts" / "make.sh"
    script.parent.mkdir()
    script.touch(0o755)
    wish = {"recipe": "script", "name": "kiosk", "options": {"script": "make.sh", "settings": {"theme": value}}}
    answer = client.post("/api/tasks", content=json.dumps(wish), headers={"Content-Type": "application/json"})
    assert problem(answer, 422)["field"] == "settings"
    assert counter.tasks() == []


def test_what_is_needed(client: TestClient) -> None:
    found = problem(client.post("/api/tasks", json={"recipe": "tiny"}), 422)
    assert (found["field"], found["given"], found["allowed"]) == ("name", None, "it is needed")


@pytest.mark.parametrize("depth", [100, 900, 950, 980])
@pytest.mark.parametrize("field", ["name", "recipe", "options", "queue", "priority"])
def test_brackets_within_brackets(client: TestClient, field: str, depth: int) -> None:
    body = json.dumps(GOOD | {field: 0}).replace(f'"{field}": 0', f'"{field}": {"[" * depth}{"]" * depth}')
    answer = client.post("/api/tasks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code)


def test_what_was_given_is_told_back_in_short(client: TestClient) -> None:
    found = problem(client.post("/api/tasks", json=GOOD | {"recipe": "x" * 100_000}), 422)
    assert len(found["given"]) < 300


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"\0", b"[" * 100_000, b'{"name":' + b"9" * 9999 + b"}"]
)
def test_a_body_that_is_no_order(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/tasks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code)


def test_a_body_of_another_type(client: TestClient) -> None:
    answer = client.post("/api/tasks", content=json.dumps(GOOD), headers={"Content-Type": "text/plain"})
    problem(answer, 422)


@pytest.mark.parametrize("path", ["/api/tasks/0", "/api/tasks/x", "/api/tasks/-1", "/api/tasks/1%00", "/api/nothing",
                                  f"/api/tasks/{2**63}", f"/api/tasks/{'9' * 5000}", "/api/tasks/7"])  # fmt: skip
def test_what_is_not_there(client: TestClient, path: str) -> None:
    problem(client.get(path), 404)


@pytest.mark.parametrize(
    "query",
    ["state=done", "before=0", f"before={2**63}", "limit=0", "limit=501", "limit=x", "user=a%00b", "user=", "user=%ED"],
)
def test_a_bad_query(client: TestClient, query: str) -> None:
    found = problem(client.get(f"/api/tasks?{query}"), 422)
    assert found["field"] == query.partition("=")[0]


def test_a_method_that_is_not_for_here(client: TestClient) -> None:
    answer = client.put("/api/tasks", json=GOOD)
    problem(answer, 405)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_was_ordered_stays_as_it_was(client: TestClient, counter: Counter, method: str) -> None:
    """S4.19: an order can't be changed, nor given a second time under its name."""
    client.post("/api/tasks", json=GOOD)
    before = counter.task(1)
    other = GOOD | {"priority": 9, "options": {"hostname": "other"}}
    problem(client.request(method, "/api/tasks/1", json=other), 405)
    assert problem(client.post("/api/tasks", json=other), 422)["field"] == "name"
    assert counter.tasks() == [before]


def test_the_schema_tells_the_truth(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    one = "/api/tasks/{task}"
    assert set(schema["paths"]) == {
        "/api/tasks", "/api/orders", one, "/api/builds", "/api/stats", "/health", "/api/queues",
        "/api/queues/{queue}/pause", "/api/queues/{queue}/resume", "/api/schedules", "/api/schedules/{name}",
        "/api/schedules/{name}/pause", "/api/schedules/{name}/resume", "/api/schedules/{name}/run",
        "/api/limits", "/api/runners", "/api/tasks/cancel-waiting", "/api/uploads", f"{one}/recipe.{{form}}",
        "/api/preview", "/api/updates", f"{one}/updates", f"{one}/rebuild", "/key.asc",
        *(f"{one}/{what}" for what in ("cancel", "retry", "release", "pin", "unpin", "tags", "history")),
    }  # fmt: skip
    refusal = schema["paths"]["/api/tasks"]["post"]["responses"]["422"]
    assert "application/problem+json" in refusal["content"]
    for page in ("/docs", "/redoc"):
        assert client.get(page).status_code == 404
