"""docs/backup.md: a site moves from SQLite to MariaDB by the commands it shows."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from servers import Databases
from sites import Site, build_user, site

__all__ = ["build_user", "site"]

DOCUMENT = (Path(__file__).parents[1] / "docs" / "backup.md").read_text()
BACKUP, MOVE = (block.splitlines() for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL))
SETTING = re.compile(r'export ISOBUILD_DATABASE="mariadb\+pymysql://.*"')


def plain(tasks: str) -> list[Any]:
    """Tasks without what depends on when it is asked."""
    return [task | {"eta": None} for task in json.loads(tasks)]


def test_a_site_moves(site: Site, mariadb: Databases) -> None:
    for name in ("ready", "waits", "later"):
        site.order(name)
    site.carry()
    site.run("prune")  # from now on the home is this database's
    before = plain(site.run("tasks", "--json").stdout)
    new: dict[str, str] = {}
    said = ""
    for line in MOVE:
        if SETTING.fullmatch(line):
            new["ISOBUILD_DATABASE"] = mariadb.create("moved")
        else:
            said = site.run(*shlex.split(line)[1:], code=0, **new).stdout
        empty = "upgrade" in line  # a database like this must take nothing for nobody's
        site.run("prune", code=3 if empty else 0, **({} if SETTING.fullmatch(line) else new))
    assert [line.split()[0] for line in said.splitlines()[1:]] == ["3", "2", "1"]
    assert plain(site.run("tasks", "--json", code=0, **new).stdout) == before
    site.run("download", 1, code=0, **new)
    site.run("remove", 3, code=0, **new)
    assert site.run("order", "tiny", "--name", "new", code=0, **new).stdout == "4\n"
    assert plain(site.run("tasks", "--json").stdout) == before  # the old one is as it was
    mariadb.drop("moved")


def test_a_backup_is_one_command(site: Site) -> None:
    site.order()
    (line,) = BACKUP
    site.run(*shlex.split(line, comments=True)[1:])
    assert (site.home / "backup.jsonl").read_bytes().count(b'"table": "tasks"') == 1
