"""What a recipe tells of itself beside its plan: what its ISO is made of, and which options are secret."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from image.places import APT, PLACE
from pydantic import BaseModel, Field, SecretBytes, SecretStr, create_model

from isobuild.errors import HostFault
from isobuild.image.fields import SECRET, CommaList, Picture, Secret, Unset, Upload, Username, holding
from isobuild.recipes import Cookbook
from isobuild.recipes.base import hidden, secrets
from isobuild.recipes.options import NamedFile, dump, named_files

DEBIAN = ["tiny", "debian-live"]
CHOICES: list[dict[str, object]] = [{}, {"suite": "trixie"}, {"suite": "sid", "mirror": "http://mirror.example.org/d"}]


@pytest.mark.parametrize("options", CHOICES)
@pytest.mark.parametrize("name", DEBIAN)
def test_the_sources_are_those_that_apt_reads(name: str, options: dict[str, object]) -> None:
    cookbook = Cookbook()
    recipe, chosen = cookbook.find(name), cookbook.parse(name, options)
    assert {layer.sources for layer in recipe.layers(chosen, APT)} == {recipe.sources(chosen, APT)}


@pytest.mark.parametrize("name", DEBIAN)
def test_without_sources_the_host_is_at_fault(name: str) -> None:
    cookbook = Cookbook()
    with pytest.raises(HostFault, match="no apt sources"):
        cookbook.find(name).sources(cookbook.parse(name, {}), "")


def test_a_scripts_input_is_the_script(tmp_path: Path) -> None:
    """S4.11: what is too large for an argument is a file that the recipe names."""
    cookbook = Cookbook()
    recipe, chosen = cookbook.find("script"), cookbook.parse("script", {"script": "brew"})
    assert recipe.inputs(chosen, tmp_path) == {"brew": tmp_path / "scripts" / "brew"}
    assert recipe.plan(chosen, replace(PLACE, site=tmp_path)).steps[0].argv[0] == f"{tmp_path}/scripts/brew"
    assert recipe.sources(chosen, APT) == ""


@pytest.mark.parametrize(("name", "secret"), [("tiny", set()), ("debian-live", {"repositories", "users"})])
def test_a_recipe_has_no_inputs_or_secrets_unless_it_says_so(name: str, secret: set[str], tmp_path: Path) -> None:
    cookbook = Cookbook()
    recipe = cookbook.find(name)
    assert recipe.inputs(cookbook.parse(name, {}), tmp_path) == {}
    assert secrets(recipe.Options) == secret


class Account(BaseModel):
    """An option of several parts, one of them secret; and it holds others of its kind."""

    name: str
    password: Secret
    friends: list["Account"] = []


@dataclass
class Door:
    code: Secret


class Menu(BaseModel):
    """Of its own kind all the way down, and nothing secret."""

    entries: list["Menu"] = []


KINDS: dict[str, Any] = {
    "plain": Secret,
    "or none": Secret | None,
    "narrowed": Annotated[Username, SECRET],
    "listed": Annotated[tuple[Secret, ...], CommaList],
    "mapped": dict[str, Secret],
    "of pydantic": SecretStr,
    "of pydantic, or none": SecretBytes | None,
    "within a model": Account | None,
    "within a dataclass": list[Door],
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_secret_is_known_wherever_it_stands(kind: Any) -> None:
    options = create_model("Options", plain=(str, ""), menu=(Menu, Menu()), secret=(kind, Field(alias="geheim")))
    assert secrets(options) == {"secret"}


def test_pydantics_secrets_are_kept_with_their_values() -> None:
    class Safe(BaseModel):
        key: SecretStr
        note: str = ""

    safes = dict[str, list[Safe]]
    fields: Any = {"pin": (SecretStr, ...), "raw": (SecretBytes, b""), "safes": (safes, {}), "n": (int, 1)}
    model = create_model("Options", **fields)
    given = {"pin": "1234", "raw": "é", "safes": {"a": [{"key": "k", "note": "n"}]}, "n": 2}
    assert dump(model.model_validate(given)) == given
    assert hidden(model, given) == {
        "pin": "(secret)", "raw": "(secret)", "safes": {"a": [{"key": "(secret)", "note": "n"}]}, "n": 2,
    }  # fmt: skip


def test_files_are_named_with_what_they_must_hold() -> None:
    a, b = f"upload:{'a' * 64}", f"upload:{'b' * 64}"
    guest = create_model("Guest", picture=(Annotated[Picture | None, Unset], None), any=(Upload | None, None))
    brought = Annotated[str, holding("theme", "text-or-upload")]
    iso = Annotated[str, holding("live-iso", "text-or-upload", "isos")]
    model = create_model("Options", guests=(tuple[guest, ...], ()), theme=(brought, ""), source=(iso | None, None))
    options = {"guests": [{"picture": None, "any": a}, {"picture": b, "any": None}], "theme": "Arc", "source": "x.iso"}
    assert list(named_files(model, options)) == [
        NamedFile("guests.1.picture", b, "picture", ""),
        NamedFile("source", "x.iso", "live-iso", "isos"),
    ]
    assert list(named_files(model, {"guests": [], "theme": a, "source": None})) == [NamedFile("theme", a, "theme", "")]
