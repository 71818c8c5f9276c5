"""Same order, same ISO: equal orders have one fingerprint, and all that makes another ISO makes another fingerprint."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isobuild.errors import HostFault, InvalidOption
from isobuild.fingerprint import Fingerprints
from isobuild.recipes import Cookbook
from isobuild.recipes.tiny import Tiny

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TEA = """
from pathlib import Path
from typing import Annotated
from pydantic import Field, SecretStr
from isobuild.image.fields import CommaList, Secret
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class TeaOptions(Options):
    kind: str = "green"
    herbs: Annotated[tuple[str, ...], CommaList] = ()
    password: Secret = "tea"
    pin: SecretStr | None = None
    codes: list[Secret] = Field(default_factory=list)

class Tea(Recipe):
    name = "tea"
    title = "Tea Linux"
    version = 1
    Options = TeaOptions

    def plan(self, options, place):
        return Plan({}, (Step("brew", ("true",)),))

    def inputs(self, options, site):
        return {"leaves": site / "leaves"}

    def sources(self, options, apt):
        return f"Types: deb\\nURIs: file:{Path(__file__).parents[1]}/debian\\nSuites: ./\\n"
"""
GREEN_TEA = """
from isobuild.recipes.tiny import Tiny

class GreenTea(Tiny):
    name = "green-tea"
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site's folder: a recipe with an input and an archive, one that is made of isobuild's own, and a script."""
    files = {"recipes/tea.py": TEA, "recipes/green_tea.py": GREEN_TEA, "scripts/brew": "#!/bin/sh\n"}
    for name, text in {**files, "leaves": "leaves\n", "debian/Release": "Suite: tea\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "scripts/brew").chmod(0o755)
    return tmp_path


@pytest.fixture
def of(site: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """The fingerprint of an order at a host whose sources are the site's archive."""
    sources = f"Types: deb\nURIs: file:{site}/debian\nSuites: bookworm\nComponents: main\n"
    monkeypatch.setattr("isobuild.image.apt.read_host", lambda: sources)
    for suite in ("bookworm", "bookworm-updates"):
        (site / "debian/dists" / suite).mkdir(parents=True)
        (site / "debian/dists" / suite / "Release").write_text("Suite: bookworm\n")
    prints = Fingerprints(Cookbook(site), site / "upstream")

    def of(recipe: str, options: dict[str, object] | None = None, now: datetime = NOW) -> str | None:
        return prints.of(recipe, options or {}, now)

    return of


ORDERS: list[tuple[str, dict[str, object]]] = [("tiny", {}), ("script", {"script": "brew"}), ("tea", {"herbs": "mint"})]


@pytest.mark.parametrize(("recipe", "options"), ORDERS)
def test_equal_orders_have_one_fingerprint(
    of: Callable[..., str], site: Path, recipe: str, options: dict[str, object]
) -> None:
    cookbook = Cookbook(site)
    complete = cookbook.dump(cookbook.parse(recipe, options))
    assert of(recipe, options) == of(recipe, complete) == of(recipe, dict(reversed(complete.items())))
    assert re.fullmatch("[0-9a-f]{64}", of(recipe, options))


def test_other_orders_have_others(of: Callable[..., str | None]) -> None:
    orders: list[tuple[str, dict[str, object]]] = [
        *ORDERS, ("tiny", {"hostname": "other"}), ("green-tea", {}), ("script", {"script": "brew", "arguments": "-v"}),
        ("script", {"script": "brew", "settings": {"theme": "dark"}}), ("tea", {}), ("tea", {"kind": "mint"}),
        ("tea", {"herbs": "mint,sage"}), ("tea", {"herbs": "sage,mint"}),
    ]  # fmt: skip
    prints = [of(*order) for order in orders]
    assert None not in prints
    assert len(set(prints)) == len(orders)


@pytest.mark.parametrize(
    ("recipe", "file"),
    [
        ("script", "scripts/brew"),
        ("tea", "leaves"),
        ("tea", "recipes/tea.py"),
        ("green-tea", "recipes/green_tea.py"),
    ],
)
def test_another_content_of_a_file_makes_another(
    of: Callable[..., str | None], site: Path, recipe: str, file: str
) -> None:
    """S4.11: arguments may be in a file, which several orders share."""
    options = {"script": "brew"} if recipe == "script" else {}
    before = of(recipe, options)
    with (site / file).open("a") as opened:
        opened.write("# more\n")
    assert None is not before != of(recipe, options) is not None


@pytest.mark.parametrize("recipe", ["tiny", "green-tea"])
def test_a_raised_version_makes_another(
    of: Callable[..., str | None], recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of(recipe)
    monkeypatch.setattr(Tiny, "version", Tiny.version + 1)
    assert None is not before != of(recipe) is not None


@pytest.mark.parametrize(("recipe", "release"), [("tiny", "dists/bookworm-updates/Release"), ("tea", "Release")])
def test_a_new_release_makes_another(of: Callable[..., str | None], site: Path, recipe: str, release: str) -> None:
    before = of(recipe)
    (site / "debian" / release).write_text("Suite: new\n")
    assert of(recipe, now=NOW) == before
    assert None is not before != of(recipe, now=LATER) is not None


def test_what_is_not_known_is_not_shared(of: Callable[..., str | None], site: Path) -> None:
    (site / "debian/dists/bookworm-updates/Release").unlink()
    (site / "leaves").unlink()
    assert of("tiny") is None
    assert of("tea") is None


def test_a_host_without_sources_shares_nothing(of: Callable[..., str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isobuild.image.apt.read_host", str)
    assert of("tiny") is None


SECRETS: list[dict[str, object]] = [{"password": "another"}, {"pin": "1234"}, {"codes": ["1", "2"]}, {"password": ""}]


@pytest.mark.parametrize("options", SECRETS)
def test_an_order_with_a_secret_is_not_shared(of: Callable[..., str | None], options: dict[str, object]) -> None:
    assert of("tea", options) is None


def test_a_secret_that_everybody_has_is_none(of: Callable[..., str | None]) -> None:
    assert of("tea", {"password": "tea", "pin": None, "codes": []}) == of("tea") is not None


def test_a_wrong_option_is_refused(of: Callable[..., str | None]) -> None:
    with pytest.raises(InvalidOption):
        of("tiny", {"hostname": "-"})


def test_a_recipe_that_cannot_tell_its_inputs_is_named(of: Callable[..., str | None], site: Path) -> None:
    (site / "recipes/tea.py").write_text(TEA.replace('site / "leaves"', "site.leaves"))
    with pytest.raises(HostFault, match="Recipe tea is broken: AttributeError"):
        of("tea")


def test_the_module_costs_a_command_nothing() -> None:
    code = "import isobuild.fingerprint, sys; print({'sh', 'pydantic', 'concurrent'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
