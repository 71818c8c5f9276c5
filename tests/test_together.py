"""Tasks that have to do with each other, ordered as people do and built by real runners."""

import json
from pathlib import Path

from sites import ISO, Site, build_user, site

__all__ = ["build_user", "site"]

BASE = """#!/bin/sh
set -e
echo "linux 6.1" >"$ISOBUILD_OUT/manifest"
echo '{"kernel": "6.1"}' >"$ISOBUILD_OUT/results.json"
printf "the base" >"$ISOBUILD_OUT/any.iso"
"""
FLAVOUR = """#!/bin/sh
set -e
cat "$ISOBUILD_DEPENDENCIES" >&2
{ cat "$ISOBUILD_IN"/dependencies/1/base.iso; echo " and more"; } >"$ISOBUILD_OUT/any.iso"
"""


def order(site: Site, name: str, text: str, *more: object) -> int:
    site.write_script(f"{name}.sh", text)
    return int(site.run("order", "script", "--script", f"{name}.sh", "--name", name, *more).stdout)


def build_all(site: Site) -> None:
    site.tick_until(lambda: all(task["state"] in {"ready", "failed"} for task in site.json("tasks")))


def download(site: Site, task: int) -> str:
    return Path(site.run("download", task, "-o", site.home, "--force").stdout.strip()).read_text()


def test_a_flavour_is_made_of_its_base(site: Site) -> None:
    """S4.17: path, sha256, manifest and results of each dependency are handed to the script."""
    order(site, "base", BASE)
    order(site, "flavour", FLAVOUR, "--after", "base")
    assert site.json("task", 2)["why"] == "it waits for task 1 (base)"
    build_all(site)
    assert download(site, 2) == "the base and more\n"
    said = site.run("log", 2, "--stream", "err").stdout
    (handed,) = json.loads("\n".join(line.split(" ", 2)[-1] for line in said.splitlines() if line.strip()))
    base = site.task(1)
    assert (handed["task"], handed["name"], handed["sha256"]) == (1, "base", base["sha256"])
    assert (handed["size"], handed["results"]) == (8, {"kernel": "6.1"})
    assert Path(handed["manifest"]).name == "base.manifest"
    assert {file["name"] for file in base["files"]} > {"base.iso", "base.manifest"}


def test_the_same_order_is_built_once(site: Site) -> None:
    order(site, "one", ISO)
    site.run("order", "script", "--script", "one.sh", "--name", "two")
    assert site.json("task", 2)["why"] == "it is the same as task 1, and will have its ISO"
    build_all(site)
    said = site.run("order", "script", "--script", "one.sh", "--name", "three")
    assert "The same was built before: three.iso is ready" in said.stderr
    assert [download(site, number) for number in (1, 2, 3)] == ["an ISO"] * 3
    assert [build["task_id"] for build in site.json("builds")] == [1]


def test_another_script_or_a_wish_for_a_fresh_one_is_built(site: Site) -> None:
    order(site, "one", ISO)
    build_all(site)
    site.run("order", "script", "--script", "one.sh", "--name", "two", "--fresh")
    site.write_script("one.sh", ISO.replace("an ISO", "another"))
    site.run("order", "script", "--script", "one.sh", "--name", "three")
    build_all(site)
    assert [download(site, number) for number in (1, 2, 3)] == ["an ISO", "another", "another"]
    assert len(site.json("builds")) == 3


ORDERS = """
[[order]]
name = "flavour"
recipe = "script"
options = { script = "flavour.sh" }
after = ["base"]
tags = { team = "kde" }

[[order]]
name = "base"
recipe = "script"
options = { script = "base.sh" }
"""


def test_a_file_of_orders(site: Site) -> None:
    site.write_script("base.sh", BASE)
    site.write_script("flavour.sh", FLAVOUR)
    (site.home / "orders.toml").write_text(ORDERS)
    assert site.run("order-all", site.home / "orders.toml").stdout == "2\n1\n"
    build_all(site)
    assert (download(site, 2), site.task(2)["tags"]) == ("the base and more\n", {"team": "kde"})


def test_a_bad_file_of_orders_orders_nothing(site: Site) -> None:
    """Bad input names the order, the field, what was given and what is allowed."""
    site.write_script("base.sh", BASE)
    for text, words in (
        ("", "a TOML or YAML file of orders"),
        ("order = 3", "a TOML or YAML file of orders"),
        (ORDERS + "colour = 'red'", "order 2, colour: 'red' can't be used: no such field"),
        (ORDERS.replace('recipe = "script"', 'recipe = "tinny"', 1), "order 1, recipe: there is no recipe 'tinny'"),
        (ORDERS.replace('"kde"', "3"), "order 1, tags.team: '3' can't be used"),
        (ORDERS.replace("flavour.sh", "base.sh").replace('"base"\nr', '"x"\nr'), "after: 'base' can't be used"),
    ):
        (site.home / "orders.toml").write_text(text)
        assert words in site.run("order-all", site.home / "orders.toml", code=2).stderr
    assert site.count() == 0
