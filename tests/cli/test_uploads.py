"""Files on the command line: uploads, options that stand in files, recipe files."""

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cafe import open_cafe
from sites import Site

from cli.conftest import Call
from isobuild.domain import tasks

UPLOAD = f"upload:{hashlib.sha256(b'a picture').hexdigest()}"


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """A folder with files, at a site with the cafe."""
    open_cafe(site.home)
    for name, content in {"wall.png": b"a picture", "pin": b"sesam-pin\n", "menu": b"tea\ncake\n"}.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def raw(site: Site, number: int = 1) -> dict[str, Any]:
    """The options of a task with their secrets."""
    with site.db.read() as session:
        return tasks.get(session, number).options


def test_an_upload_is_named_by_what_is_in_it(call: Call, folder: Path) -> None:
    assert call("upload", folder / "wall.png").out == f"{UPLOAD}\n"
    shown = json.loads(call("upload", folder / "wall.png", "--json").out)
    assert shown == {"upload": UPLOAD, "name": "wall.png", "size": 9}
    said = call("upload", folder / "missing")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "a file that can be read (No such file or directory)" in said.err


def test_options_may_stand_in_files(call: Call, site: Site, folder: Path) -> None:
    guests = json.dumps([{"name": "ana", "picture": f"@{folder}/wall.png"}, {"name": "budi", "password": "sesam"}])
    said = call(
        "order", "cafe", "--name", "first", "--set", f"picture=@{folder}/wall.png", "--pin", f"@{folder}/pin",
        "--menu", f"@{folder}/menu", f"--set=guests={guests}", "--theme", f"@{folder}/wall.png", "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "sesam" not in said.out
    chosen = raw(site)
    assert (chosen["picture"], chosen["theme"], chosen["guests"][0]["picture"]) == (UPLOAD, UPLOAD, UPLOAD)
    assert (chosen["pin"], chosen["menu"], chosen["guests"][1]["password"]) == ("sesam-pin", "tea\ncake", "sesam")


def test_models_may_be_given_one_by_one(call: Call, site: Site, folder: Path) -> None:
    ana, budi = '{"name": "ana"}', '{"name": "budi", "vip": true}'
    assert call("order", "cafe", "--name", "one", "--guests", ana, "--oven", '{"heat": 99}').code == 0
    assert call("order", "cafe", "--name", "two", "--guests", ana, "--guests", budi).code == 0
    assert raw(site)["oven"] == {"heat": 99, "code": ""}
    assert [[guest["name"] for guest in raw(site, number)["guests"]] for number in (1, 2)] == [["ana"], ["ana", "budi"]]


BAD = {
    "no such file": (["--picture", "@missing"], "picture: 'missing' can't be used: a file that can be read"),
    "no such text": (["--pin", "@missing"], "pin: '@missing' is not allowed: what begins with @"),
    "no upload": (["--picture", f"upload:{'0' * 64}"], "is not allowed: an upload that is here"),
    "no name": (["--picture", "wall.png"], "picture: 'wall.png' is not allowed: an upload, 'upload:'"),
    "deep": (["--guests", '{"name": "ana", "vip": "perhaps"}'], "guests.0.vip: 'perhaps' is not allowed: yes or no"),
    "hidden": (["--pin", "(secret)"], "pin: '(secret)' is not allowed: the secret itself"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named(call: Call, folder: Path, words: list[str], message: str) -> None:
    said = call("order", "cafe", "--name", "x", *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


@pytest.mark.parametrize("form", ["toml", "yaml"])
def test_a_recipe_file_is_exported_and_ordered_from(call: Call, site: Site, folder: Path, form: str) -> None:
    call("order", "cafe", "--name", "first", "--cups", 5, "--pin", "sesam-pin", "--menu", "tea")
    said = call("export", 1, "--format", form)
    assert (said.code, "sesam" in said.out) == (0, False)
    file = folder / f"first.{form}"
    file.write_text(said.out)
    assert call("order", "--file", file).code == 2  # the name is taken
    said = call("order", "--file", file, "--name", "second", "--menu", "cake", "--priority", "3", "--pin", "other")
    assert (said.code, said.out) == (0, "2\n"), said.err
    assert raw(site, 2) == raw(site) | {"menu": "cake", "pin": "other"}
    assert site.task(2)["priority"] == 3


def test_a_recipe_file_may_come_from_stdin(
    call: Call, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b'recipe = "cafe"\nname = "first"\ntags = {team = "kde"}\n[options]\ncups = 3\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert call("order", "--file", "-").out == "1\n"
    assert (raw(site)["cups"], site.task()["tags"]) == (3, {"team": "kde"})


def test_files_that_are_none(call: Call, folder: Path) -> None:
    for file, words in (("missing", "a file that can be read"), ("wall.png", "a recipe file, as 'isobuild export N'")):
        said = call("order", "--file", folder / file)
        assert (said.code, said.err.count("\n")) == (2, 1)
        assert words in said.err
    (folder / "x.toml").write_text('recipe = "cafe"\nname = "x"\ncolour = "red"\n')
    assert "file, colour: 'red' can't be used: no such field" in call("order", "--file", folder / "x.toml").err
    assert "toml or yaml" in call("export", 1, "--format", "xml").err
    assert call("export", 1).code == 4


def test_several_orders_may_be_yaml(call: Call, site: Site, folder: Path) -> None:
    (folder / "all.yaml").write_text("order:\n- {recipe: cafe, name: one}\n- {recipe: cafe, name: two, after: [one]}\n")
    assert call("order-all", folder / "all.yaml").out == "1\n2\n"


def test_secrets_of_an_earlier_order_of_ones_own(call: Call, site: Site, folder: Path) -> None:
    call("order", "cafe", "--name", "first", "--pin", "sesam-pin", "--user", "ann")
    again = ("order", "cafe", "--pin", "(secret)", "--like", "1", "--name")
    assert call(*again, "second", "--user", "ann").code == 0
    assert raw(site, 2)["pin"] == "sesam-pin"
    assert "no earlier order of yours" in call(*again, "third", "--user", "bob").err


def test_a_schedule_and_its_order_hide_them_too(call: Call, site: Site, folder: Path) -> None:
    assert call("schedule", "add", "nightly", "@daily", "cafe", "--pin", f"@{folder}/pin").code == 0
    for words in (("schedule", "show", "nightly"), ("schedule", "show", "nightly", "--json")):
        said = call(*words)
        assert "(secret)" in said.out
        assert "sesam" not in said.out
    assert call("schedule", "run", "nightly").out == "1\n"
    assert raw(site)["pin"] == "sesam-pin"
