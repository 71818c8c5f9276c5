"""What a command imports is part of the user's wait: by modules, not by a clock, which other processes move."""

import subprocess
import sys

import pytest
from sites import Site

LOADS = """
import sys
from isobuild.cli.main import run
code = run(sys.argv[1:])
assert code == 0, code
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""
SERVING = {"fastapi", "starlette", "uvicorn", "jinja2", "apscheduler"}


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("--help", SERVING | {"sqlalchemy", "pydantic", "alembic", "rich", "sh"}),
        ("--version", SERVING | {"sqlalchemy", "alembic", "rich", "sh"}),
        ("tick", SERVING | {"alembic", "rich", "sh"}),
        ("tasks --json", SERVING | {"alembic", "rich", "sh"}),
    ],
)
def test_nothing_is_imported_in_vain(site: Site, command: str, unneeded: set[str]) -> None:
    said = subprocess.run(
        [sys.executable, "-c", LOADS, *command.split()], env=site.env, capture_output=True, text=True, check=True
    )
    assert set(said.stderr.split()) & unneeded == set()
