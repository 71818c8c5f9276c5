"""Recipe files: what was ordered can be shared, without its secrets, and ordered again from the file."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Files
from test_desk import desk_over

from isobuild import recipe_files, slip
from isobuild.db import Database
from isobuild.desk import Desk
from isobuild.errors import BadInput, InvalidOption, NotFound
from isobuild.image.leaves import shape
from isobuild.recipe_files import FORMS, Form
from isobuild.recipes import Cookbook

RECIPE = """
from typing import Any
from pydantic import BaseModel, Field
from isobuild.image.fields import MULTILINE, Secret, Unset, Upload
from typing import Annotated
from isobuild.recipes.base import Options, Recipe

class Guest(BaseModel):
    name: str
    password: Secret | None = None
    age: int | None = None
    shoe: int | None = 40

class CafeOptions(Options):
    guests: tuple[Guest, ...] = ()
    menu: Annotated[str, MULTILINE] = ""
    picture: Annotated[Upload | None, Unset] = None
    price: float = 1.5
    open: bool = True
    extra: dict[str, Any] = {}

class Cafe(Recipe):
    name, title, version, Options = "cafe", "Cafe", 1, CafeOptions
    def steps(self, options, place):
        return []
"""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
GUEST = st.fixed_dictionaries(
    {"name": TEXT}, optional={"age": st.none() | st.integers(0, 99), "shoe": st.none() | st.integers(20, 50)}
)
CAFE = st.fixed_dictionaries(
    {},
    optional={
        "guests": st.lists(GUEST, max_size=3), "menu": TEXT, "open": st.booleans(),
        "price": st.floats(allow_nan=False, allow_infinity=False), "extra": st.dictionaries(TEXT, JSON, max_size=3),
    },
)  # fmt: skip
WORDS = st.text("abcdefghij -~!#'\"\\:", min_size=1, max_size=40).map(str.strip).filter(bool)
TINY = st.fixed_dictionaries(
    {}, optional={"hostname": st.from_regex(r"\A[a-z][a-z0-9]{0,20}\Z"), "title": WORDS, "message": WORDS}
)
LIVE = st.fixed_dictionaries(
    {},
    optional={
        "packages": st.lists(st.sampled_from(["htop", "nginx", "vim"]), unique=True), "recommends": st.booleans(),
        "locale": st.sampled_from(["C.UTF-8", "id_ID.UTF-8"]), "title": WORDS, "suite": st.sampled_from(["sid", None]),
    },
)  # fmt: skip
SCRIPT = st.fixed_dictionaries(
    {"script": st.just("brew")},
    optional={"arguments": st.lists(TEXT.filter(lambda text: "\0" not in text), max_size=3)},
)
ORDERS = st.one_of(
    st.tuples(st.just("cafe"), CAFE), st.tuples(st.just("tiny"), TINY), st.tuples(st.just("debian-live"), LIVE),
    st.tuples(st.just("script"), SCRIPT),
)  # fmt: skip


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Cookbook:
    site = tmp_path_factory.mktemp("site")
    for name, text in {"recipes/cafe.py": RECIPE, "scripts/brew": "#!/bin/sh\n"}.items():
        (site / name).parent.mkdir()
        (site / name).write_text(text)
    (site / "scripts/brew").chmod(0o755)
    return Cookbook(site)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ORDERS, st.sampled_from(get_args(Form)))
def test_what_is_written_is_read_back(book: Cookbook, ordered: tuple[str, dict[str, Any]], form: Form) -> None:
    """The file gives the same options, or it is said that this form can't."""
    recipe, options = ordered
    chosen = book.dump(book.parse(recipe, options))
    facts = {"recipe": recipe, "name": "it", "options": chosen}
    try:
        text = recipe_files.write(facts, form, shape(book.find(recipe).Options))
    except BadInput as error:
        assert (form, error.field) == ("toml", "format")
        assert "null" in json.dumps(chosen)
        return
    found = recipe_files.read(text, form)
    assert (found["recipe"], found["name"]) == (recipe, "it")
    assert book.dump(book.parse(recipe, found["options"])) == chosen


@pytest.fixture
def desk(sqlite: Files, migrated: Callable[[Files], str], tmp_path: Path, book: Cookbook) -> Any:
    import shutil

    assert book.site
    home = tmp_path / "home"
    shutil.copytree(book.site, home)
    database = Database(sqlite.copy(migrated(sqlite), "tried"))
    yield desk_over(database, home)
    database.dispose()
    sqlite.drop("tried")


@pytest.mark.parametrize("form", FORMS)
def test_a_task_is_shared_without_its_secrets_and_ordered_from_the_file(desk: Desk, form: Form) -> None:
    picture = desk.uploads.put(io.BytesIO(b"a picture"), "wall.png").upload
    guests = [{"name": "ana", "password": "whisper"}, {"name": "budi"}]
    desk.order("cafe", {"guests": guests, "menu": "tea\ncake\n", "picture": picture}, name="first", priority=3)
    text = recipe_files.share(desk, 1, form)
    assert "whisper" not in text
    assert "# Left out, as they are secret: guests.0.password\n" in text
    assert picture in text
    assert "wall.png" in text
    wanted = slip.read(recipe_files.read(text, form) | {"name": "second"}, "")
    (again,) = desk.order_all([wanted.ordered(desk)])
    first = desk.task(1)["options"]
    first["guests"][0]["password"] = None
    assert again["options"] == first


def test_who_lacks_an_upload_is_told_which(desk: Desk) -> None:
    text = f'recipe = "cafe"\nname = "x"\n[options]\npicture = "upload:{"0" * 64}"\n'
    with pytest.raises(InvalidOption, match=r"picture: 'upload:0{64}' is not allowed: an upload that is here"):
        slip.read(recipe_files.read(text, "toml"), "").ordered(desk)


def test_only_a_task_that_is_there_is_shared(desk: Desk) -> None:
    with pytest.raises(NotFound):
        recipe_files.share(desk, 7, "toml")


def test_what_toml_can_not_say_is_said(desk: Desk) -> None:
    desk.order("cafe", {"extra": {"sugar": None}}, name="first")
    with pytest.raises(BadInput, match=r"yaml: options\.extra\.sugar is empty, and TOML has no word for that"):
        recipe_files.share(desk, 1, "toml")
    assert "sugar: null" in recipe_files.share(desk, 1, "yaml")


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nrecipe: [*b, *b]\n"
BAD: dict[str, tuple[Form, str | bytes, str]] = {
    "a bomb": ("yaml", BOMB, "aliases, *NAME, are not taken"),
    "a name twice": ("yaml", "recipe: tiny\nrecipe: tiny\n", "line 1: each name once"),
    "a program": ("yaml", "recipe: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
    "no mapping": ("yaml", "- tiny\n", "a recipe file, as 'isobuild export N' writes it"),
    "no yaml": ("yaml", "recipe: {", "line 1: "),
    "no text": ("yaml", b"\xff\xfe\x00", "can't decode"),
    "a nul": ("yaml", "\0", "it is no YAML"),
    "too deep": ("yaml", "[" * 5000, "it is too deep"),
    "too large": ("yaml", "#" * (1 << 21), "1048576 bytes at most"),
    "no name is a text": ("yaml", "recipe: tiny\n1: 2\n", "each a text"),
    "no recipe": ("toml", 'name = "x"', "a recipe file"),
    "no table": ("toml", 'recipe = "tiny"\noptions = 7', "a recipe file"),
    "no toml": ("toml", "recipe = \n", "at line 1"),
    "a name twice in toml": ("toml", 'recipe = "a"\nrecipe = "b"', "Cannot overwrite a value"),
}


@pytest.mark.parametrize(("form", "text", "words"), BAD.values(), ids=BAD)
def test_what_is_no_recipe_file_is_refused_in_words(form: Form, text: str | bytes, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        recipe_files.read(text, form)
    assert words in str(caught.value)
    assert caught.value.field == "file"


def test_yaml_has_the_values_that_json_has() -> None:
    text = "recipe: tiny\nname: it\noptions: {date: 2026-11-21, yes: 'no', list: [1, 2.5, null, true]}\n"
    with pytest.raises(BadInput, match="each a text"):  # what is written yes is true
        recipe_files.read(text, "yaml")
    found = recipe_files.read(text.replace("yes:", "'yes':"), "yaml")
    assert found["options"] == {"date": "2026-11-21", "yes": "no", "list": [1, 2.5, None, True]}


@pytest.mark.parametrize(
    ("name", "form"),
    [("kiosk.toml", "toml"), ("kiosk.YML", "yaml"), ("application/yaml; charset=utf-8", "yaml"), ("-", "toml")],
)
def test_the_form_is_told_by_a_name(name: str, form: Form) -> None:
    assert recipe_files.form_of(name) == form
