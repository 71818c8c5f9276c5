"""The order form's models in lists, secrets and files, without JavaScript: a browser has no more than this."""

import re
from html import unescape
from typing import Any

import pytest
from cafe import open_cafe
from starlette.testclient import TestClient

from web.counter import Counter
from web.test_orders import control, error_of

TYPED = {"name": "party", "option.cups": "2", "option.theme": "plain", "option.oven.heat": "180", "queue": "default"}
ANA = {"option.guests.0.name": "ana", "option.guests.0.password": "sesam-ana"}
BUDI = {"option.guests.1.name": "budi", "option.guests.1.vip": "on"}
WHERE = "/order/cafe"


@pytest.fixture
def cafe(counter: Counter) -> TestClient:
    open_cafe(counter.settings.home)
    return counter.client


def raw(counter: Counter, number: int = 1) -> dict[str, Any]:
    """The options of a task with their secrets."""
    from isobuild.domain import tasks

    with counter.db.read() as session:
        return tasks.get(session, number).options


def own(counter: Counter, options: dict[str, object], name: str = "first") -> int:
    """A task of the page's own user."""
    return int(counter.desk().order("cafe", options, name=name)["id"])


def filled(page: str) -> dict[str, str]:
    """What a browser would send of the form as it stands."""
    form = page[page.index('action="/order/') :]
    inputs = re.findall(r"<input ([^>]*)>", form)
    facts = [dict(re.findall(r'([\w-]+)="([^"]*)"', each)) | {"on": " checked" in each} for each in inputs]
    sent = {each["name"]: unescape(each.get("value", "on")) for each in facts
            if each.get("type") not in {"checkbox", "file"} or each["on"]}  # fmt: skip
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    chosen = re.findall(r'<select[^>]*name="([^"]+)".*?<option selected>([^<]*)', form, re.DOTALL)
    return sent | {name: unescape(text) for name, text in (*areas, *chosen)}


def test_there_is_a_field_for_each_kind(cafe: TestClient) -> None:
    page = cafe.get(WHERE).text
    assert 'type="password" value=""' in control(page, "option.pin")
    assert 'type="file"' in control(page, "file.option.picture")
    assert '<textarea rows="6"' in page
    assert 'type="checkbox"' in control(page, "option.sizes.large")
    assert 'value="180"' in control(page, "option.oven.heat")
    assert re.findall(r"<summary><b>(\w+)</b>", page) == ["People", "Kitchen", "Look"]
    assert 'name="add" value="option.guests"' in page
    assert 'enctype="multipart/form-data"' in page


def test_rows_are_added_and_dropped_without_a_script(cafe: TestClient, counter: Counter) -> None:
    page = cafe.post(WHERE, data=TYPED | ANA | {"add": "option.guests"})
    assert page.status_code == 200
    assert 'value="ana"' in control(page.text, "option.guests.0.name")
    assert "autofocus" in control(page.text, "option.guests.1.name")
    assert "sesam-ana" not in page.text
    assert "Type it again" in error_of(page.text, "option.guests.0.password")
    page = cafe.post(WHERE, data=TYPED | ANA | BUDI | {"drop": "option.guests.0"})
    assert "option.guests.0.name" not in page.text
    assert 'value="budi"' in control(page.text, "option.guests.1.name")
    assert counter.tasks() == []


def test_what_was_typed_becomes_models(cafe: TestClient, counter: Counter) -> None:
    more = {
        "option.guests.0.keys": "one\r\n\r\n two \r\n", "option.guests.0.groups": "a, b",
        "option.guests.7.name": "citra", "option.sizes.large": "on", "option.menu": "tea\r\ncake",
        "option.oven.code": "1234", "option.pin": "9",
    }  # fmt: skip
    assert cafe.post(WHERE, data=TYPED | ANA | BUDI | more).status_code == 303
    blank: dict[str, Any] = {"password": None, "keys": [], "groups": [], "vip": False, "picture": None}
    assert raw(counter) == {
        "cups": 2, "sizes": ["large"], "menu": "tea\ncake", "picture": None, "theme": "plain", "pin": "9",
        "oven": {"heat": 180, "code": "1234"},
        "guests": [
            blank | {"name": "ana", "password": "sesam-ana", "keys": ["one", "two"], "groups": ["a", "b"]},
            blank | {"name": "budi", "vip": True}, blank | {"name": "citra"},
        ],
    }  # fmt: skip


def test_an_error_stands_beside_its_field_whatever_rows_are_empty(cafe: TestClient) -> None:
    rows = {"option.guests.0.name": "", "option.guests.3.name": "ana", "option.guests.5.name": "b"}
    page = cafe.post(WHERE, data=TYPED | rows | {"option.oven.heat": "900"})
    assert page.status_code == 422
    assert 'value="ana"' in control(page.text, "option.guests.0.name")
    assert "at least 2 characters" in error_of(page.text, "option.guests.1.name")
    assert '<a href="#option-guests-1-name">Name</a>' in page.text
    page = cafe.post(WHERE, data=TYPED | {"option.oven.heat": "900"})
    assert "less than or equal to 300" in error_of(page.text, "option.oven.heat")
    assert '<details class="group" id="group-3" open>' in page.text


def test_a_secret_that_was_typed_is_asked_for_again_once(cafe: TestClient, counter: Counter) -> None:
    page = cafe.post(WHERE, data=TYPED | ANA | {"option.cups": "0"})
    assert "sesam-ana" not in page.text
    sent = filled(page.text) | {"option.cups": "1"}
    page = cafe.post(WHERE, data=sent)
    assert page.status_code == 422
    assert "type it again" in error_of(page.text, "option.guests.0.password")
    assert cafe.post(WHERE, data=filled(page.text)).status_code == 303
    assert raw(counter)["guests"][0]["password"] is None


def test_one_like_it_keeps_secrets_that_nobody_sees(cafe: TestClient, counter: Counter) -> None:
    guests = [
        {"name": "ana", "password": "sesam-ana", "keys": ["one", "two"]},
        {"name": "budi", "password": "sesam-budi"},
    ]
    number = own(
        counter, {"guests": guests, "pin": "sesam-pin", "oven": {"code": "sesam-oven"}, "menu": "tea\n<b>cake</b>"}
    )
    page = cafe.get(f"{WHERE}?like={number}").text
    assert not re.search("sesam", page)
    sent = filled(page) | {"name": "second"}
    assert sent["option.guests.0.keys"] == "(secret)\n(secret)"
    assert cafe.post(WHERE, data=sent).status_code == 303
    assert raw(counter, 2) == raw(counter, 1)
    changed = {"name": "third", "option.guests.0.name": "citra", "option.guests.0.keys": "", "option.pin": "5"}
    page = cafe.post(WHERE, data=sent | changed).text
    assert "the secret itself" in error_of(page, "option.guests.0.password")
    assert cafe.post(WHERE, data=sent | changed | {"option.guests.0.password": "new"}).status_code == 303
    assert [each["password"] for each in raw(counter, 3)["guests"]] == ["new", "sesam-budi"]
    assert raw(counter, 3)["pin"] == "5"


def test_nobody_takes_over_the_secrets_of_others(cafe: TestClient, counter: Counter) -> None:
    number = counter.order("theirs", "cafe", {"pin": "1234"})
    page = cafe.get(f"{WHERE}?like={number}").text
    answer = cafe.post(WHERE, data=filled(page) | {"name": "mine"})
    assert answer.status_code == 422
    assert "there is no earlier order of yours" in error_of(answer.text, "option.pin")


def test_a_file_becomes_an_upload_and_stays_if_something_else_is_wrong(cafe: TestClient, counter: Counter) -> None:
    files = {"file.option.picture": ("wall.png", b"a picture"), "file.option.guests.2.picture": ("me.png", b"me"),
             "file.option.cups": ("x", b"never kept")}  # fmt: skip
    page = cafe.post(WHERE, data=TYPED | {"option.cups": "0", "option.guests.2.name": "ana"}, files=files)
    assert page.status_code == 422
    assert "wall.png" in page.text
    sent = filled(page.text) | {"option.cups": "1"}
    assert cafe.post(WHERE, data=sent).status_code == 303
    chosen = raw(counter)
    uploads = counter.desk().uploads
    assert uploads.path(chosen["picture"]).read_bytes() == b"a picture"
    assert uploads.path(chosen["guests"][0]["picture"]).read_bytes() == b"me"
    assert len([path for path in uploads.folder.iterdir() if len(path.name) == 64]) == 2
    sent = sent | {"name": "plain", "drop.option.picture": "on"}
    files = {"file.option.theme": ("theme.tar", b"a tar")}
    assert cafe.post(WHERE, data=sent, files=files).status_code == 303
    assert raw(counter, 2)["picture"] is None
    assert uploads.path(raw(counter, 2)["theme"]).read_bytes() == b"a tar"


def test_an_upload_that_is_not_here_is_told_beside_its_field(cafe: TestClient) -> None:
    page = cafe.post(WHERE, data=TYPED | {"option.picture": f"upload:{'0' * 64}"})
    assert "an upload that is here" in error_of(page.text, "option.picture")


def test_the_form_is_filled_from_a_recipe_file(cafe: TestClient, counter: Counter) -> None:
    own(counter, {"guests": [{"name": "ana", "password": "sesam-ana"}], "cups": 7})
    text = cafe.get("/api/tasks/1/recipe.yaml").text
    page = cafe.post("/order", files={"file": ("party.yaml", text)})
    assert page.status_code == 200
    assert 'value="first"' in control(page.text, "name")
    assert cafe.post(WHERE, data=filled(page.text) | {"name": "second"}).status_code == 303
    assert raw(counter, 2) == raw(counter, 1) | {"guests": [raw(counter, 1)["guests"][0] | {"password": None}]}


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(b"recipe: [", 422, "a recipe file"), (b"recipe: none\n", 404, "There is no recipe none"), (b"", 422, "a recipe")],
)
def test_a_file_that_is_no_recipe(cafe: TestClient, content: bytes, status: int, words: str) -> None:
    page = cafe.post("/order", files={"file": ("x.yaml", content)})
    assert page.status_code == status
    assert words in page.text
    assert cafe.post("/order").status_code == 422


def test_a_task_shows_what_was_chosen_and_no_secret(cafe: TestClient, counter: Counter) -> None:
    own(counter, {"guests": [{"name": "ana", "password": "sesam-ana", "groups": ["a", "b"]}], "pin": "sesam-pin"})
    page = cafe.get("/tasks/1").text
    assert "name: ana" in page
    assert "password: (secret)" in page
    assert not re.search("sesam", page)
    assert 'href="/api/tasks/1/recipe.toml"' in page
