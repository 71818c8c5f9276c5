"""docs/recipes.md: its examples are ordered as it says, and give ISOs."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import sh
from sites import Site

DOCUMENT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```.*?```sh\n(.*?)```", DOCUMENT, re.DOTALL)
HOLDS = {
    "notes": ("/options.json", '"label": "MEMO"'),
    "leaflet": ("/index.html", "<h1>Open day</h1>"),
    "letter": ("/letter-2.txt", "Hello there\n"),
}


def test_it_shows_each_form_once() -> None:
    forms = [re.findall(r"def (plan|steps|run)\(", code) for code, _ in EXAMPLES]
    assert forms == [["steps"], ["plan"], ["run"]]


@pytest.mark.parametrize(("code", "line"), EXAMPLES, ids=HOLDS)
def test_an_example_makes_its_iso(
    site: Site, tmp_path: Path, needed: Callable[[str], str], code: str, line: str
) -> None:
    """S2.1: a class in a file is all it takes."""
    needed("xorriso")
    program, *arguments = shlex.split(line)
    name = arguments[1]
    (site.home / "recipes").mkdir()
    (site.home / "recipes" / f"{name}.py").write_text(code)
    assert program == "isobuild"
    assert site.run(*arguments).stdout == "1\n"
    build = site.carry()
    assert (build["state"], build["error"]) == ("succeeded", None)
    path, text = HOLDS[name]
    assert text in _extract(site.isos()[0], path, tmp_path / "extracted")


def _extract(iso: Path, path: str, target: Path) -> str:
    sh.Command("xorriso")("-osirrox", "on", "-indev", str(iso), "-extract", path, str(target))
    return target.read_text()
