"""The gate: other sites, other names and huge bodies stay outside, and every answer is guarded."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from web.counter import OWN, Counter

ORDER = {"recipe": "tiny", "name": "kiosk"}


@pytest.mark.parametrize("host", ["localhost:8410", "127.0.0.1", "127.0.0.1:99", "[::1]:8410", "LOCALHOST"])
def test_this_machines_own_names(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org", "127.0.0.1.example.org:8410", "", "[::2]"])
def test_another_name_that_points_here(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OWN},
        {"Origin": "http://example.org"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "https://127.0.0.1:8410"},
        {"Origin": "null"},
    ],
)
def test_another_site_changes_nothing(counter: Counter, headers: dict[str, str]) -> None:
    number = counter.order("kiosk")
    client = counter.client
    answers = [
        client.post("/api/tasks", json=ORDER | {"name": "x"}, headers=headers),
        client.delete(f"/api/tasks/{number}", headers=headers),
        client.post("/order/tiny", data={"name": "x"}, headers=headers),
        client.post(f"/tasks/{number}/remove", headers=headers),
        client.put("/nothing", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert "another site" in answers[0].json()["detail"]
    assert len(counter.tasks()) == 1
    assert client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": OWN}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_our_own_pages_and_programs_may(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/tasks", json=ORDER, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/nothing", 404), ("/static/style.css", 200), ("/api/tasks", 200), ("/tasks/x", 404)],
)
def test_every_answer_is_guarded(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_pages_need_no_inline_script_or_style(counter: Counter) -> None:
    number = counter.order("kiosk")
    for path in ("/", "/order/debian-live", f"/tasks/{number}"):
        page = counter.client.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count("<script src=")
        assert " on" not in [part[:3] for part in page.split('"')], "no handler in an attribute"


def chunks(count: int) -> Iterator[bytes]:
    """A body without a length, of so many MiB."""
    return (b" " * (1 << 20) for _ in range(count))


def test_a_huge_body_is_refused(client: TestClient, counter: Counter) -> None:
    for path, kind in (("/api/tasks", "application/json"), ("/order/tiny", "application/x-www-form-urlencoded")):
        for body in (b" " * ((1 << 20) + 1), chunks(3)):
            answer = client.post(path, content=body, headers={"Content-Type": kind})
            assert answer.status_code == 413, path
    assert "1 MiB" in answer.text
    assert counter.tasks() == []
