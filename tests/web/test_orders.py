"""Ordering on the page: the form is the recipe's options, and an error stands beside its field."""

import html
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from web.counter import Counter

RECIPE = """
from enum import Enum
from typing import Literal
from pydantic import Field
from isobuild.recipes.base import Options, Recipe

class Size(Enum):
    SMALL = "small"
    LARGE = "large"

class CakeOptions(Options):
    layers: int = Field(3, ge=1, le=9, description="how many layers")
    weight: float | None = Field(None, description="in grams")
    size: Size = Field(Size.SMALL, description="how large")
    candles: Literal[1, 2, 4] = Field(2, description="how many candles")
    iced: bool = Field(True, description="with icing")
    fruits: tuple[str, ...] = Field(("plum", "fig"), description="what lies on it")
    name: str = Field(description="whose cake it is")
    note: str = Field("none", description="a note")
    extra: dict[str, int] = Field({}, description="anything else")

class Cake(Recipe):
    name = "cake"
    title = "Cake: sweet"
    version = 1
    Options = CakeOptions

    def plan(self, options, place):
        raise AssertionError("only its form is looked at")
"""
TYPED = {
    "name": "first", "option.layers": "4", "option.weight": "1.5", "option.size": "large", "option.candles": "4",
    "option.iced": "on", "option.fruits": " fig ,apple,", "option.name": "Ann", "option.note": "n",
    "option.extra": '{"salt": 1}', "queue": "low", "priority": "7",
}  # fmt: skip


@pytest.fixture
def bakery(counter: Counter) -> TestClient:
    """A client of a site that has a recipe with every kind of option."""
    folder = counter.settings.home / "recipes"
    folder.mkdir()
    (folder / "cake.py").write_text(RECIPE)
    return counter.client


def control(page: str, name: str) -> str:
    """A field of the form: its tag with all that is in it."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>|<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
    assert found, name
    return found[0]


def error_of(page: str, name: str) -> str:
    """The words beside a field."""
    found = re.search(rf'<p class="error" id="{name.replace(".", "-")}-error">(.*?)</p>', page)
    return found[1] if found else ""


def test_the_form_has_a_field_for_each_option(bakery: TestClient) -> None:
    page = bakery.get("/order/cake").text
    assert 'type="number" step="1" value="3"' in control(page, "option.layers")
    assert 'type="number" step="any" value=""' in control(page, "option.weight")
    assert re.findall(r"<option( selected)?>(\w+)", control(page, "option.size")) == [
        (" selected", "small"),
        ("", "large"),
    ]
    assert re.findall(r"<option( selected)?>(\d)", control(page, "option.candles")) == [
        ("", "1"),
        (" selected", "2"),
        ("", "4"),
    ]
    assert 'type="checkbox"' in control(page, "option.iced")
    assert "checked" in control(page, "option.iced")
    assert 'value="plum, fig"' in control(page, "option.fruits")
    assert "required" in control(page, "option.name")
    assert "required" not in control(page, "option.note")
    assert "how many layers" in page
    assert '<label for="option-layers">Layers</label>' in page


def test_where_there_is_a_single_choice_it_is_shown(client: TestClient) -> None:
    page = client.get("/order/debian-live").text
    assert re.findall(r"<option( selected)?>(\w+)", control(page, "option.architecture")) == [(" selected", "amd64")]
    assert re.findall(r"<option( selected)?>(\w+)", control(page, "option.installer")) == [
        (" selected", "none"),
        ("", "calamares"),
    ]


def test_what_was_typed_becomes_the_order(bakery: TestClient, counter: Counter) -> None:
    """S1.38: without a word about it, five attempts and now."""
    answer = bakery.post("/order/cake", data=TYPED)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks/1")
    task = counter.task(1)
    assert task["options"] == {
        "layers": 4, "weight": 1.5, "size": "large", "candles": 4, "iced": True, "fruits": ["fig", "apple"],
        "name": "Ann", "note": "n", "extra": {"salt": 1},
    }  # fmt: skip
    assert (task["name"], task["user"], task["queue"], task["priority"]) == ("first", "dikyos", "low", 7)
    assert (task["max_attempts"], task["created_at"]) == (5, "2026-11-21T06:43:00.123456Z")
    assert counter.nudges == 1


def test_what_was_left_empty_is_the_default(bakery: TestClient, counter: Counter) -> None:
    bakery.post("/order/cake", data={"name": "first", "option.name": "Ann", "option.layers": "", "option.weight": ""})
    assert counter.tasks() == []
    page = bakery.post(
        "/order/cake",
        data={"name": "first", "option.name": "Ann", "queue": "default", "option.size": "small", "option.candles": "1"},
    )
    assert page.status_code == 303
    assert counter.task(1)["options"] == {
        "layers": 3, "weight": None, "size": "small", "candles": 1, "iced": False, "fruits": [], "name": "Ann",
        "note": "none", "extra": {},
    }  # fmt: skip


def test_errors_stand_beside_their_fields_and_what_was_typed_is_kept(bakery: TestClient, counter: Counter) -> None:
    answer = bakery.post("/order/cake", data=TYPED | {"name": "no spaces", "option.layers": "12", "option.note": "<x>"})
    assert answer.status_code == 422
    assert error_of(answer.text, "name").startswith("&#39;no spaces&#39; can&#39;t be a name: 1 to 64 letters")
    assert "less than or equal to 9" in error_of(answer.text, "option.layers")
    assert 'value="no spaces"' in control(answer.text, "name")
    assert 'aria-invalid="true"' in control(answer.text, "name")
    assert 'value="12"' in control(answer.text, "option.layers")
    assert 'value="&lt;x&gt;"' in control(answer.text, "option.note")
    assert "<option selected>large" in control(answer.text, "option.size")
    assert '<a href="#option-layers">Layers</a>' in answer.text
    assert "<title>Please correct: Order cake" in answer.text
    assert (counter.tasks(), counter.nudges) == ([], 0)


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"name": ""}, "name", "it is empty"),
        ({"name": "x" * 65}, "name", "it has 65 characters"),
        ({"name": "../etc"}, "name", "can&#39;t be a name"),
        ({"name": "nul\0"}, "name", "can&#39;t be a name"),
        ({"priority": "high"}, "priority", "a whole number from -1000 to 1000"),
        ({"priority": "1001"}, "priority", "a whole number from -1000 to 1000"),
        ({"priority": "9" * 5000}, "priority", "a whole number from -1000 to 1000"),
        ({"queue": "fastest"}, "queue", "there are: high, default, low"),
        ({"option.hostname": "Bad_Host"}, "option.hostname", "a host name"),
        ({"option.title": ""}, "option.title", "one line of 1 to 78"),
        ({"option.mirror": "file:///etc"}, "option.mirror", "the http or https address"),
    ],
)
def test_each_bad_field_is_told(client: TestClient, typed: dict[str, str], field: str, words: str) -> None:
    good = {"name": "kiosk", "option.hostname": "tiny", "option.title": "Tiny", "option.message": "Hi", "queue": "low"}
    answer = client.post("/order/tiny", data=good | typed)
    assert answer.status_code == 422
    assert words in error_of(answer.text, field)


def test_a_name_that_is_taken(client: TestClient, counter: Counter) -> None:
    good = {"name": "kiosk", "queue": "default"}
    assert client.post("/order/tiny", data=good).status_code == 303
    answer = client.post("/order/tiny", data=good)
    assert "is the name of your task 1 already" in error_of(answer.text, "name")
    assert len(counter.tasks()) == 1


def test_one_like_an_earlier_one(client: TestClient, counter: Counter) -> None:
    options = {"packages": "htop,nginx", "recommends": "true", "compression": "small"}
    number = counter.order("server", "debian-live", options)
    page = client.get(f"/order/debian-live?like={number}").text
    assert 'value="htop, nginx"' in control(page, "option.packages")
    assert "checked" in control(page, "option.recommends")
    assert "<option selected>small" in control(page, "option.compression")
    assert 'value=""' in control(page, "name")
    assert client.get("/order/debian-live?like=99").status_code == 404


def test_what_stands_in_a_field_is_read_back(bakery: TestClient, counter: Counter) -> None:
    fruits = ["plum, stoned", " fig", "[lime]"]
    number = counter.order("first", "cake", {"name": "Ann", "fruits": fruits, "extra": {"salt": 2}, "iced": False})
    page = bakery.get(f"/order/cake?like={number}").text
    inputs = re.findall(r'<input type="(?:text|number)"[^>]*?value="([^"]*)"[^>]*name="([^"]+)"', page)
    typed = {name: html.unescape(value) for value, name in inputs}
    answer = bakery.post(
        "/order/cake", data=typed | {"name": "second", "option.size": "small", "option.candles": "2", "queue": "low"}
    )
    assert answer.status_code == 303, answer.text
    assert counter.task(2)["options"] == counter.task(1)["options"]


@pytest.mark.parametrize("extra", ["{", "[]", "7", '{"salt": "much"}', "[" * 5000, '{"salt": NaN}'])
def test_json_that_does_not_fit(bakery: TestClient, extra: str) -> None:
    answer = bakery.post("/order/cake", data=TYPED | {"option.extra": extra})
    assert answer.status_code == 422
    assert error_of(answer.text, "option.extra")


def test_a_form_that_is_none(client: TestClient, tmp_path: Path) -> None:
    for content, kind in ((b"\xff\xfe=%", "application/x-www-form-urlencoded"), (b"--x", "multipart/form-data"),
                          (b'{"name":"x"}', "application/json"), (b"", "multipart/form-data; boundary=x")):  # fmt: skip
        answer = client.post("/order/tiny", content=content, headers={"Content-Type": kind})
        assert answer.status_code in {400, 422}, kind
    files = {"name": ("name", b"kiosk")}
    assert client.post("/order/tiny", files=files).status_code == 422
