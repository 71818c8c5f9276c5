"""The examples of the documents do what the documents say."""

import re
import tomllib
from pathlib import Path

import pytest
from sites import ISO, Site, build_user, site

__all__ = ["build_user", "site"]

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


PYTHON = [block for block in blocks("python.md", "python") if "import isobuild" in block]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_a_python_example(site: Site, number: int) -> None:
    for name in ("remaster", "base", "flavour"):
        site.write_script(f"{name}.sh", ISO)
    (site.home / "isos").mkdir()
    example = site.home / "example.py"
    example.write_text(PYTHON[number])
    with site.started("up", "--port", "0"):
        said = site.python(example)
    expected = {0: f"ready {Path('isos/studio.iso')}\n", 2: "script script: 'nowhere.sh' is not allowed"}
    assert said.startswith(expected.get(number, ""))


def test_the_example_of_pushdep(site: Site) -> None:
    """S4.1: as PushDep's notes have it, in a program."""
    for name in ("tech", "eco"):
        site.write_script(f"{name}.sh", ISO)
    (block,) = blocks("orders.md", "python")
    example = site.home / "example.py"
    example.write_text(block)
    site.python(example)
    shown = site.json("tasks")
    assert len(shown) == 21
    assert sum(task["state"] == "blocked" for task in shown) == 10
    assert all(len(task["after"]) == 2 for task in shown if task["name"].startswith("eco"))


def test_the_orders_of_the_page(site: Site) -> None:
    lines = [line for block in blocks("orders.md", "sh") for line in block.splitlines()]
    assert len(lines) == 6
    for line in lines:
        words = re.findall(r"'([^']*)'|(\S+)", line.split("  #")[0].strip())
        site.run(*(quoted or plain for quoted, plain in words[1:]))
    assert {task["name"]: task["state"] for task in site.json("tasks")} == {
        "lab": "pending", "night": "pending", "soon": "pending", "urgent": "blocked", "flavour": "blocked",
        "alone": "pending",
    }  # fmt: skip
    assert (site.task(1)["queue"], site.task(1)["priority"], site.task(4)["follows"]) == ("high", 5, 1)


def test_the_file_of_orders_of_the_page(site: Site) -> None:
    (block,) = blocks("orders.md", "toml")
    assert [order["name"] for order in tomllib.loads(block)["order"]] == ["base", "lab"]
    (site.home / "orders.toml").write_text(block)
    assert site.run("order-all", site.home / "orders.toml").stdout == "1\n2\n"
    assert site.task(2)["after"] == [1]


def test_the_hook_of_the_page_is_told(site: Site) -> None:
    """S0.C11, S2.22: the mail that says that an ISO is ready."""
    (block,) = (block for block in blocks("python.md", "python") if "def on_ready" in block)
    (site.home / "hooks").mkdir()
    (site.home / "hooks/mail.py").write_text(block)
    site.order("good", ISO)
    log = site.home / "logs/hooks.log"
    site.tick_until(lambda: log.exists() and "for task 1" in log.read_text())
    assert "ConnectionRefusedError" in log.read_text()  # nobody takes mail here
