"""Secrets are hidden, shared by nobody, taken over for whom they were meant, and kept out of texts."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from isobuild.errors import InvalidOption
from isobuild.image.fields import Secret
from isobuild.image.leaves import HIDDEN
from isobuild.image.secrets import Veil, hidden, restored, values, without


class Person(BaseModel):
    name: str
    groups: list[str] = []
    password: Secret | None = None
    keys: list[Secret] = []


class Door(BaseModel):
    code: Secret = ""
    colour: str = "red"


Options = create_model(
    "Options", people=(list[Person], []), door=(Door, Door()), pin=(Secret | None, None), note=(str, "")
)
ANA = {"name": "ana", "groups": ["a"], "password": "pa", "keys": ["k1", "k2"]}
BUDI = {"name": "budi", "groups": [], "password": "pb", "keys": []}
STORED = {"people": [ANA, BUDI], "door": {"code": "c", "colour": "red"}, "pin": "1234", "note": "n"}
SEEN = {
    "people": [ANA | {"password": HIDDEN, "keys": [HIDDEN, HIDDEN]}, BUDI | {"password": HIDDEN}],
    "door": {"code": HIDDEN, "colour": "red"},
    "pin": HIDDEN,
    "note": "n",
}


def test_what_is_shown_has_no_secret_and_all_the_rest() -> None:
    assert hidden(Options, STORED) == SEEN
    assert values(Options, STORED) == {"pa", "pb", "k1", "k2", "c", "1234"}


def test_what_the_recipe_does_not_know_may_have_been_secret() -> None:
    assert hidden(Options, {"old": "s", "older": {}, "note": "n"}) == {"old": HIDDEN, "older": {}, "note": "n"}


def test_what_is_shared_leaves_them_out() -> None:
    shared, left_out = without(Options, STORED)
    assert shared == {
        "people": [{"name": "ana", "groups": ["a"], "keys": []}, {"name": "budi", "groups": [], "keys": []}],
        "door": {"colour": "red"},
        "note": "n",
    }
    assert left_out == [
        "people.0.password", "people.0.keys.0", "people.0.keys.1", "people.1.password", "door.code", "pin",
    ]  # fmt: skip


def test_what_was_hidden_is_restored() -> None:
    assert restored(Options, hidden(Options, STORED), STORED) == STORED


def people(*persons: Mapping[str, Any]) -> dict[str, Any]:
    return {"people": list(persons)}


RESTORED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "in another order": (
        people({"name": "budi", "password": HIDDEN}, {"name": "ana", "password": HIDDEN}),
        people({"name": "budi", "password": "pb"}, {"name": "ana", "password": "pa"}),
    ),
    "one of them gone": (people({"name": "budi", "password": HIDDEN}), people({"name": "budi", "password": "pb"})),
    "another group": (
        people({"name": "ana", "groups": ["b"], "password": HIDDEN}),
        people({"name": "ana", "groups": ["b"], "password": "pa"}),
    ),
    "a key more": (
        people({"name": "ana", "keys": [HIDDEN, "k3", HIDDEN]}),
        people({"name": "ana", "keys": ["k1", "k3", "k2"]}),
    ),
    "another one given": ({"pin": "5678", "door": {"code": HIDDEN}}, {"pin": "5678", "door": {"code": "c"}}),
    "no secret": ({"note": HIDDEN}, {"note": HIDDEN}),
}


@pytest.mark.parametrize(("given", "whole"), RESTORED.values(), ids=RESTORED)
def test_each_secret_goes_to_whom_it_was_meant_for(given: dict[str, Any], whole: dict[str, Any]) -> None:
    assert restored(Options, given, STORED) == whole


UNSURE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no earlier order": ({"pin": HIDDEN}, {}, "pin"),
    "another person": (people({"name": "citra", "password": HIDDEN}), STORED, "people.0.password"),
    "a key gone": (people({"name": "ana", "keys": [HIDDEN]}), STORED, "people.0.keys.0"),
    "two of one name": (people({"name": "ana", "password": HIDDEN}), people(ANA, ANA), "people.0.password"),
    "none there": ({"pin": HIDDEN}, {"pin": None}, "pin"),
}


@pytest.mark.parametrize(("given", "earlier", "field"), UNSURE.values(), ids=UNSURE)
def test_nobody_gets_a_secret_that_may_be_anothers(given: dict[str, Any], earlier: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidOption, match=r"the secret itself: there is no earlier order") as caught:
        restored(Options, given, earlier)
    assert caught.value.field == field


@given(st.text(min_size=4), st.text(), st.text())
def test_a_veil_covers_a_secret_wherever_it_stands(secret: str, before: str, after: str) -> None:
    veil = Veil([secret])
    seen = veil.over(f"{before}{secret}{after}")
    assert secret not in seen or secret in HIDDEN or secret in f"{before}{HIDDEN}{after}"
    assert veil.covers(secret)


FORMS = ["pass'word", 'pass"word', "two\nlines here", "é-word", "a b c d"]


@pytest.mark.parametrize("secret", FORMS)
def test_a_veil_knows_shell_and_json(secret: str) -> None:
    import json
    import shlex

    veil = Veil([secret])
    for text in (shlex.join(["sh", "-c", secret]), json.dumps({"a": secret}), json.dumps([secret], ensure_ascii=False)):
        assert veil.over(text).count(HIDDEN) == 1, text
    assert veil.over_all({secret: [secret, 1, None]}) == {HIDDEN: [HIDDEN, 1, None]}


def test_each_line_of_a_secret_is_one() -> None:
    veil = Veil(["BEGIN\nabcdef\nEND."])
    assert [veil.over(line) for line in ("BEGIN", "x abcdef", "END.", "end")] == [HIDDEN, f"x {HIDDEN}", HIDDEN, "end"]


def test_what_is_shorter_than_words_is_left() -> None:
    assert Veil(["abc"]).over("abc def") == "abc def"
