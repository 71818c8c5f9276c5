"""The API's uploads and recipe files; and no answer of it has a secret."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cafe import open_cafe
from starlette.testclient import TestClient

from isobuild.config import Settings
from web.counter import Counter

UPLOAD = f"upload:{hashlib.sha256(b'a picture').hexdigest()}"
ORDER = {
    "recipe": "cafe",
    "name": "party",
    "options": {"pin": "hunter2", "guests": [{"name": "ana", "password": "pw-ana"}]},
}


@pytest.fixture
def cafe(counter: Counter) -> TestClient:
    open_cafe(counter.settings.home)
    return counter.client


def kept(counter: Counter) -> list[Path]:
    folder = counter.settings.uploads
    return [path for path in folder.glob("*") if path.name != ".lock"]


def test_a_file_is_brought(cafe: TestClient, counter: Counter) -> None:
    answer = cafe.post("/api/uploads?name=wall.png", content=b"a picture")
    assert (answer.status_code, answer.json()) == (201, {"upload": UPLOAD, "name": "wall.png", "size": 9})
    assert counter.desk().uploads.path(UPLOAD).read_bytes() == b"a picture"
    answer = cafe.post("/api/tasks", json=ORDER | {"options": {"picture": UPLOAD}})
    assert answer.json()["options"]["picture"] == UPLOAD


@pytest.mark.parametrize("streamed", [False, True])
def test_a_file_that_is_too_large_is_a_problem(home: Path, counter: Counter, streamed: bool) -> None:
    counter.settings = Settings(home=home, upload_size=1 << 20)

    def chunks() -> Iterator[bytes]:
        for _ in range(5):
            yield bytes(1 << 19)

    client = counter.connect()
    answer = client.post("/api/uploads", content=chunks() if streamed else bytes(5 << 19))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "too large" in answer.json()["detail"]
    assert kept(counter) == []


def test_more_than_an_upload_may_have_is_still_refused(home: Path, counter: Counter) -> None:
    counter.settings = Settings(home=home, upload_size=1 << 20)
    client = counter.connect()
    assert client.post("/api/uploads", content=bytes(3 << 20)).status_code == 413
    files = {"file.option.x": ("x", bytes(3 << 20))}
    assert client.post("/order/tiny", files=files).status_code == 413
    assert client.post("/api/tasks", content=bytes(2 << 20)).status_code == 413


@pytest.mark.parametrize("form", ["toml", "yaml"])
def test_a_recipe_file_goes_out_and_comes_in(cafe: TestClient, counter: Counter, form: str) -> None:
    cafe.post("/api/tasks", json=ORDER | {"options": {"pin": "hunter2", "cups": 5, "menu": "tea\ncake"}})
    answer = cafe.get(f"/api/tasks/1/recipe.{form}")
    assert answer.headers["content-type"] == f"application/{form}; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="party.{form}"'
    text = answer.text.replace("party", "again")
    ordered = cafe.post("/api/tasks", content=text, headers={"Content-Type": f"application/{form}"})
    assert ordered.status_code == 201
    assert ordered.json()["name"] == "again"
    assert (ordered.json()["options"]["cups"], ordered.json()["options"]["menu"]) == (5, "tea\ncake")
    assert ordered.json()["options"]["pin"] is None


@pytest.mark.parametrize(
    ("kind", "text", "field"),
    [
        ("application/toml", "recipe = ", "file"),
        ("application/yaml", "a: &a [1]\nb: *a", "file"),
        ("application/yaml", "recipe: tiny\nname: x\ncolour: red\n", "colour"),
        ("application/yaml", "recipe: tiny\nname: x\noptions: {hostname: !!binary eA==}\n", "file"),
        ("application/yaml", "recipe: tiny\nname: x\noptions: {hostname: B_d}\n", "hostname"),
    ],
)
def test_a_bad_recipe_file_names_the_field(cafe: TestClient, kind: str, text: str, field: str) -> None:
    answer = cafe.post("/api/tasks", content=text, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_another_form_of_recipe_file_is_none(cafe: TestClient) -> None:
    cafe.post("/api/tasks", json=ORDER)
    assert cafe.get("/api/tasks/1/recipe.xml").status_code == 404
    assert cafe.get("/api/tasks/9/recipe.toml").status_code == 404


def test_no_answer_has_a_secret(cafe: TestClient, counter: Counter) -> None:
    """Not even a search tells whether there is one."""
    answers = [cafe.post("/api/tasks", json=ORDER), cafe.post("/api/orders", json=[ORDER | {"name": "two"}])]
    timetable = {key: ORDER[key] for key in ("recipe", "options")} | {"name": "nightly", "cron": "@daily"}
    answers.append(cafe.post("/api/schedules", json=timetable))
    for path in ("tasks", "tasks/1", "tasks?search=party", "schedules", "schedules/nightly", "tasks/1/history"):
        answers.append(cafe.get(f"/api/{path}"))
    assert [answer.status_code for answer in answers] == [201] * 3 + [200] * 6
    text = "".join(answer.text for answer in answers)
    assert "hunter2" not in text
    assert "pw-ana" not in text
    assert text.count('"pin":"(secret)"') == 8
    assert text.count('"name":"ana"') == 8


@pytest.mark.parametrize("text", ["hunter2", "PW-ANA", "hunter"])
def test_nobody_guesses_a_secret_by_searching(cafe: TestClient, text: str) -> None:
    for number in range(3):
        cafe.post("/api/tasks", json=ORDER | {"name": f"party{number}"})
    assert cafe.get(f"/api/tasks?search={text}").json() == []
    assert len(cafe.get("/api/tasks?search=ana&limit=2").json()) == 2


BAD: list[tuple[dict[str, Any], str]] = [
    ({"pin": ["hunter2"]}, "pin"),
    ({"pinn": "hunter2"}, "pinn"),
    ({"guests": [{"name": "ana", "password": ["hunter2"]}]}, "guests.0.password"),
    ({"guests": [{"name": "ana", "pasword": "hunter2"}]}, "guests.0.pasword"),
    ({"guests": "hunter2"}, "guests"),
    ({"guests": ["hunter2"]}, "guests.0"),
    ({"guests": '[{"password": "hunter2"'}, "guests"),
    ({"oven": {"code": {"a": "hunter2"}}}, "oven.code"),
    ({"oven": "hunter2"}, "oven"),
]


@pytest.mark.parametrize(("options", "field"), BAD)
def test_no_error_repeats_a_secret(cafe: TestClient, options: dict[str, Any], field: str) -> None:
    answer = cafe.post("/api/tasks", json=ORDER | {"options": options})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("options", ["hunter2", ["hunter2"]])
def test_what_is_no_set_of_options_is_not_repeated_either(cafe: TestClient, options: Any) -> None:
    answer = cafe.post("/api/tasks", json=ORDER | {"options": options})
    assert (answer.status_code, answer.json()["field"]) == (422, "options")
    assert "hunter2" not in answer.text


def test_secrets_of_an_earlier_order_are_taken_over(cafe: TestClient, counter: Counter) -> None:
    cafe.post("/api/tasks", json=ORDER)
    shown = cafe.get("/api/tasks/1").json()["options"]
    again = ORDER | {"name": "again", "options": shown}
    assert cafe.post("/api/tasks", json=again).json()["field"] == "guests.0.password"
    assert cafe.post("/api/tasks", json=again | {"like": 1}).status_code == 201
    with counter.db.read() as session:
        from isobuild.domain import tasks

        assert json.dumps(tasks.get(session, 2).options) == json.dumps(tasks.get(session, 1).options)
    assert cafe.post("/api/tasks", json=again | {"name": "third", "like": 99}).status_code == 404
