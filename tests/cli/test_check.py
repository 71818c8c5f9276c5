"""`isobuild check`: what is missing is named, with its mend."""

import json
import os

import pytest
from sites import Site

from cli.conftest import Call

LOOKS = {"home", "space", "database", "clock", "build user", "run_as_user.sh", "user namespaces", "boot test", "ticks"}


def test_each_look_has_an_answer(call: Call, site: Site) -> None:
    said = call("check", "--json")
    found = json.loads(said.out)
    assert {each["what"] for each in found} >= LOOKS
    assert all(each.keys() == {"what", "state", "says", "mend"} for each in found)
    assert {each["state"] for each in found} <= {"ok", "missing", "note"}
    assert all(each["mend"] for each in found if each["state"] != "ok")
    assert said.code == any(each["state"] == "missing" for each in found)
    state = {each["what"]: each["state"] for each in found}
    assert [state[what] for what in ("home", "database", "run_as_user.sh")] == ["ok"] * 3
    assert state["ticks"] == "note"


def test_for_people(call: Call) -> None:
    said = call("check")
    assert "MEND" in said.out
    assert "no daemon of this home listens" in said.out


def test_a_password_is_not_shown(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_DATABASE", "postgresql+psycopg://isobuild:s3cret@127.0.0.1:1/isobuild")
    said = call("check")
    assert said.code == 1
    assert "can't be reached" in said.out
    assert "s3cret" not in said.out + said.err


@pytest.mark.skipif(os.geteuid() != 0, reason="builds run as the present user")
def test_a_build_user_that_is_missing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_BUILD_USERS", "nobody-of-this-name")
    said = call("check", "--json")
    (found,) = [each for each in json.loads(said.out) if each["what"] == "build user"]
    assert (said.code, found["state"]) == (1, "missing")
    assert found["mend"].startswith("useradd ")


@pytest.mark.skipif(os.geteuid() != 0, reason="builds run as the present user")
@pytest.mark.parametrize(("slots", "noted"), [(1, []), (2, ["2 slots share 1 of them"])])
def test_slots_that_share_a_build_user(
    call: Call, monkeypatch: pytest.MonkeyPatch, slots: int, noted: list[str]
) -> None:
    monkeypatch.setenv("ISOBUILD_SLOTS", str(slots))
    found = [each for each in json.loads(call("check", "--json").out) if each["what"] == "build users"]
    assert [each["says"].partition(":")[0] for each in found] == noted
    assert {each["state"] for each in found} <= {"note"}
