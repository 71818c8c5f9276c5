"""Why packages can't be had together: a real apt's complaints, in words that name who wants what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import SmallArchive, served
from larder import stock

from isobuild.errors import Unresolved
from isobuild.image import archive
from isobuild.image.reasons import Reason, Target, Unmet, suggest, unmet
from isobuild.image.snapshot import Layer

from .test_archive import NOW

WHY = {
    "watr": "watr can't be installed: there is no such package in tea. Did you mean water?",
    "sauce": "sauce can't be installed: there is no such package in tea. Did you mean saucer?",
    "nothing-like-it": "nothing-like-it can't be installed: there is no such package in tea.",
    "pot": "pot can't be installed: it is what several packages provide: choose pot-a or pot-b.",
    "syrup": "syrup can't be installed: tea has no package of that name.",
    "lake": "lake can't be installed: it needs water (>= 2), and tea has 1.0.",
    "mocha": "mocha can't be installed: it needs syrup or caramel, which tea does not have.",
    "latte": "latte can't be installed: it needs mocha, which needs syrup or caramel, which tea does not have.",
    "black white": "black can't be installed: it conflicts with white, which is wanted too.",
    "black cream": "cream can't be installed: it needs white, and black conflicts with that.",
    "tea kettle coffee": "coffee can't be installed: it needs bean, and that does not go with tea: "
    "leaf conflicts with bean.",
    "watr cup sauce": "watr can't be installed: there is no such package in tea. Did you mean water? "
    "sauce can't be installed: there is no such package in tea. Did you mean saucer?",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallArchive]:
    """An archive of this module."""
    with served(stock(tmp_path_factory.mktemp("archive"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What it said."""
    return tmp_path_factory.mktemp("kept")


def refused(small: SmallArchive, kept: Path, packages: str, exclude: str = "") -> Unresolved:
    """What is said of these packages, none of which is there yet."""
    never = f"Package: {exclude}\nPin: release *\nPin-Priority: -1\n" if exclude else ""
    with pytest.raises(Unresolved) as caught:
        archive.take([Layer("packages", tuple(packages.split()), small.sources, preferences=never)], kept, NOW)
    return caught.value


@pytest.mark.parametrize("packages", WHY)
def test_what_is_wrong_is_told_in_words(small: SmallArchive, kept: Path, packages: str) -> None:
    assert str(refused(small, kept, packages)) == WHY[packages]


def test_what_is_excluded_is_the_fault_of_who_excludes_it(small: SmallArchive, kept: Path) -> None:
    deep, own = refused(small, kept, "bucket", "cold"), refused(small, kept, "cold", "cold")
    assert str(deep) == "bucket can't be installed: it needs ice, which needs cold, and that is excluded."
    assert str(own) == "cold can't be installed: it is asked for, and excluded too."
    assert [each.option for error in (deep, own) for each in error.facts["reasons"]] == ["exclude", "exclude"]


def test_the_same_question_is_answered_from_memory(small: SmallArchive, tmp_path: Path) -> None:
    first = refused(small, tmp_path, "lake")
    for path in tmp_path.glob("*/status"):
        path.unlink()
    assert refused(small, tmp_path, "lake").facts == first.facts
    assert not list(tmp_path.glob("*/status"))  # apt was not asked


def test_what_apt_says_is_taken_apart() -> None:
    said = (
        "The following packages have unmet dependencies:\n"
        " a : Depends: b (>= 2) but 1.0 is to be installed or\n"
        "              c:i386 but it is not installable\n"
        "     Breaks: d (< 3~) but 1.0 is to be installed\n"
        " e:i386 : PreDepends: f but it is not going to be installed\n"
        "E: Unable to correct problems, you have held broken packages.\n"
    )
    assert unmet(said) == [
        Unmet("a", "Depends", (Target("b", ">= 2"), Target("c"))),
        Unmet("a", "Breaks", (Target("d", "< 3~"),)),
        Unmet("e", "PreDepends", (Target("f"),)),
    ]
    assert unmet("E: something else\n") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("htopp", ["htop", "hatop"]),
        ("firefox", ["firefox-esr"]),
        ("ngixn", ["nginx"]),
        ("zzz", []),
        ("x", []),
        ("vim-x", ["vim", "vim-nox"]),
    ],
)
def test_suggestions_are_few_and_close(name: str, expected: list[str]) -> None:
    names = ["firefox-esr", "hatop", "htop", "htop-dbg", "nginx", "nginx-common", "vim", "vim-nox", "xterm"]
    assert sorted(suggest(name, names)) == sorted(expected)


def test_a_reason_is_a_sentence() -> None:
    assert str(Reason("a", "it needs b")) == "a can't be installed: it needs b."
    assert str(Reason("a", "there is none. Did you mean b?")).endswith("Did you mean b?")
