"""What is secret in options, and what is an upload: found wherever it stands, and nothing else is."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr, create_model

from isobuild.image.fields import OR_UPLOAD, Secret, Unset, Upload
from isobuild.image.leaves import changed, is_secret, is_upload, marked, shape

A, B = f"upload:{'a' * 64}", f"upload:{'b' * 64}"


class Person(BaseModel):
    name: str
    password: Secret | None = None
    keys: tuple[Secret, ...] = ()
    picture: Annotated[Upload | None, Unset] = None
    friends: "list[Person]" = []


class Plain(BaseModel):
    note: str


KINDS: dict[str, tuple[Any, Any, Any]] = {
    "plain": (Secret, "s", "*"),
    "none": (Secret | None, None, None),
    "empty": (Secret, "", ""),
    "pydantic's": (SecretStr | None, "s", "*"),
    "listed": (list[Secret], ["s", "t"], ["*", "*"]),
    "mapped": (dict[str, Secret], {"a": "s"}, {"a": "*"}),
    "by place": (tuple[str, Secret], ["open", "s"], ["open", "*"]),
    "a number": (Annotated[int, Field(json_schema_extra={"writeOnly": True})], 7, "*"),
    "within": (
        Person, {"name": "ana", "password": "s", "keys": ["k"]}, {"name": "ana", "password": "*", "keys": ["*"]}
    ),
    "deep within": (
        list[Person],
        [{"name": "ana", "friends": [{"name": "budi", "password": "s"}]}],
        [{"name": "ana", "friends": [{"name": "budi", "password": "*"}]}],
    ),
    "one of several": (
        Plain | Person, {"name": "ana", "password": "s", "note": "n"}, {"name": "ana", "password": "*", "note": "n"}
    ),
    "or a text": (str | Person, "open", "open"),
    "of another shape": (list[Person], "s", "*"),
    "not secret": (list[Plain], [{"note": "n"}], [{"note": "n"}]),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "seen"), KINDS.values(), ids=KINDS)
def test_a_secret_is_changed_and_nothing_else(kind: Any, value: Any, seen: Any) -> None:
    model = create_model("Options", it=(kind, ...), other=(str, "o"))
    found = changed(shape(model), {"it": value, "other": "o"}, is_secret, lambda _path, _leaf: "*")
    assert found == {"it": seen, "other": "o"}


def test_leaves_are_told_with_their_paths() -> None:
    model = create_model("Options", people=(list[Person], ...), theme=(Annotated[str, OR_UPLOAD], "plain"))
    options = {
        "people": [{"name": "ana", "keys": ["k", "l"]}, {"name": "budi", "password": "p", "picture": A}],
        "theme": B,
    }
    assert list(marked(shape(model), options, is_secret)) == [
        (("people", 0, "keys", 0), "k"),
        (("people", 0, "keys", 1), "l"),
        (("people", 1, "password"), "p"),
    ]
    assert list(marked(shape(model), options, is_upload)) == [(("people", 1, "picture"), A), (("theme",), B)]
