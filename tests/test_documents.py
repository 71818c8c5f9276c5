"""README and docs say what is so."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from isobuild import errors
from isobuild.cli.app import app
from isobuild.config import Settings
from isobuild.image.custom.desktops import PRESETS
from isobuild.recipes import Cookbook

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text()


def test_readme_names_every_setting_with_its_default() -> None:
    """S2.C1: the defaults are those that the document names."""
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", README, re.MULTILINE))
    settings = Settings.model_fields
    assert set(settings) <= set(rows)
    for name in (
        "slots",
        "max_attempts",
        "retry_delay",
        "time_limit",
        "processes",
        "lease",
        "heartbeat",
        "port",
        "bind",
    ):
        assert rows[name] == f"{settings[name].default:g}" if name != "bind" else settings[name].default
    assert rows["memory"] == f"{settings['memory'].default >> 30} GiB"
    assert rows["file_size"] == f"{settings['file_size'].default >> 30} GiB"
    assert rows["log_size"] == f"{settings['log_size'].default >> 20} MiB"
    assert tuple(rows["queues"].split(", ")) == settings["queues"].default


def _commands() -> Iterator[str]:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        yield from (f"{name} {each}" for each in inner) if inner else (name,)


@pytest.mark.parametrize("command", list(_commands()))
def test_every_command_is_documented(command: str) -> None:
    pages = [README, *(path.read_text() for path in (TOP / "docs").glob("*.md")), (TOP / "crontab.example").read_text()]
    assert any(re.search(rf"\bisobuild {command}\b|`{command}\b", page) for page in pages)


def test_the_contract_lists_the_whole_environment() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (TOP / "docs/contract.md").read_text(), re.MULTILINE))
    source = (TOP / "isobuild/runner/prepare.py").read_text()
    given = set(re.findall(r'^        "([A-Z_]+)":', source, re.MULTILINE))
    assert given
    assert documented >= given


def test_readme_lists_the_exit_codes() -> None:
    from isobuild.cli import main

    codes = {0, main.FAILED, main.BAD_INPUT, main.REFUSED, main.NOT_FOUND, main.INTERRUPTED}
    assert codes == {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}


def test_every_choice_about_a_system_is_documented() -> None:
    page = (TOP / "docs/customise.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    assert set(Cookbook().find("debian-live").Options.model_fields) <= set(re.findall(r"`(\w+)`", " ".join(rows)))


def test_the_presets_are_documented_with_what_they_install() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|$", (TOP / "docs/customise.md").read_text(), re.MULTILINE))
    assert {name: re.findall(r"`([^`]+)`", listed) for name, listed in rows.items() if name in PRESETS} == {
        name: packages.split() for name, packages in PRESETS.items()
    }


def test_links_of_the_documents_lead_somewhere() -> None:
    for page in (TOP / "README.md", *(TOP / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_error_has_its_words() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.IsobuildError)
    ]
    assert len(kinds) > 20
    for kind in kinds:
        fields = {name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name}
        words = str(kind(**dict.fromkeys(fields, "something")))
        assert words
        assert "{" not in words


def test_the_crontab_example_is_a_line_a_minute() -> None:
    """S0.8: every minute, by a crontab."""
    lines = [line for line in (TOP / "crontab.example").read_text().splitlines() if line and not line.startswith("#")]
    assert [line.split()[:7] for line in lines] == [["*"] * 5 + ["/usr/local/bin/isobuild", "tick"]]
