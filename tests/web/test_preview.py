"""The page and the API tell what an order would come to before it is one."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from archives import SmallArchive, served
from larder import open_house, stock
from starlette.testclient import TestClient

from isobuild.recipes import Cookbook
from isobuild.resolve import Resolver
from isobuild.store.cache import Cache, Made
from isobuild.web.app import create_app
from web.counter import OWN, Counter

PART = {"HX-Request": "true"}


@pytest.fixture
def small(counter: Counter) -> Iterator[SmallArchive]:
    with served(stock(counter.settings.home / "archive")) as archive:
        open_house(counter.settings.home, archive)
        yield archive


@pytest.fixture
def house(counter: Counter, small: SmallArchive) -> TestClient:
    """A client of a page that looks packages up."""
    home = counter.settings.home
    desk = replace(counter.desk(), resolver=Resolver(Cookbook(home), counter.settings.archives))
    return TestClient(create_app(desk), OWN, follow_redirects=False, raise_server_exceptions=False)


def told(page: str) -> str:
    """What the preview says, without its marks."""
    found = re.search(r'<div id="preview-told".*?</div>\s*<p class="actions">', page, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_the_form_has_a_place_for_it(house: TestClient, small: SmallArchive) -> None:
    page = house.get("/order/tea").text
    assert "How many packages, how much to download" in told(page)
    assert 'hx-trigger="change delay:600ms from:#order-form"' in page
    assert '<button class="button quiet" name="preview"' in page
    assert small.asked == []


def test_a_change_brings_that_part_alone(house: TestClient, counter: Counter) -> None:
    answer = house.post("/order/tea", data={"preview": "1", "option.packages": "kettle"}, headers=PART)
    assert answer.status_code == 200
    assert "packages 2, " in told(answer.text)
    assert "most likely" in told(answer.text)
    assert "<html" not in answer.text
    assert counter.tasks() == []


def test_without_a_script_the_button_keeps_what_was_typed(house: TestClient, counter: Counter) -> None:
    answer = house.post("/order/tea", data={"name": "tray", "preview": "1", "option.packages": "kettle"})
    assert answer.status_code == 200
    assert "packages 2, " in told(answer.text)
    assert 'value="kettle"' in answer.text and 'value="tray"' in answer.text
    assert counter.tasks() == []


def test_stages_that_are_here_are_told(house: TestClient, counter: Counter) -> None:
    recipe, key = counter.settings.home / "recipes" / "tea.py", "b" * 64
    stages = f"stages=(Stage('pot', '{key}'), Stage('cosy', ''.ljust(64, 'c'))), packages=place.packages)"
    text = recipe.read_text().replace("import Plan, Step", "import Plan, Stage, Step")
    recipe.write_text(text.replace("packages=place.packages)", stages))
    wanted = {"preview": "1", "option.packages": "kettle"}
    assert "made before" not in told(house.post("/order/tea", data=wanted, headers=PART).text)
    Cache(counter.settings.cache, counter.settings.cache_size).keep(key, Made("pot", 20.5))
    assert "made before pot its ISO" in told(house.post("/order/tea", data=wanted, headers=PART).text)
    body = {"recipe": "tea", "options": {"packages": ["kettle"]}}
    assert house.post("/api/preview", json=body).json()["reused"] == ["pot"]


def test_what_can_not_be_had_is_told_there(house: TestClient) -> None:
    answer = house.post("/order/tea", data={"preview": "1", "option.packages": "watr"}, headers=PART)
    assert answer.status_code == 200  # a part that is wrong must be shown all the same
    assert "Packages : watr can't be installed" in told(answer.text).replace("&#39;", "'")


def test_an_order_of_it_is_refused_beside_its_field(house: TestClient, counter: Counter) -> None:
    answer = house.post("/order/tea", data={"name": "tray", "option.packages": "watr"})
    assert answer.status_code == 422
    assert "Did you mean water?" in re.findall(r'id="option-packages-error">(.*?)</p>', answer.text)[0]
    assert counter.tasks() == []


def test_the_api_tells_the_same(house: TestClient) -> None:
    answer = house.post("/api/preview", json={"recipe": "tea", "options": {"packages": ["kettle"]}})
    assert answer.status_code == 200
    assert (answer.json()["packages"], answer.json()["size"]["builds"]) == (2, 0)
    file = 'recipe = "tea"\nname = "tray"\n[options]\npackages = ["cup", "kettle"]\n'
    answer = house.post("/api/preview", content=file, headers={"Content-Type": "application/toml"})
    assert answer.json()["packages"] == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"recipe": "tea", "options": {"packages": ["lake"]}}, "packages"),
        ({"recipe": "wine"}, "recipe"),
        ({"recipe": "tea", "options": {"sugar": 2}}, "sugar"),
        ({}, "recipe"),
    ],
)
def test_the_api_names_what_is_wrong(house: TestClient, body: dict[str, object], field: str) -> None:
    answer = house.post("/api/preview", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
