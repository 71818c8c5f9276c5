"""A stage for each kind of server, and how many schedules were played on it."""

from collections.abc import Callable, Iterator

import pytest
from servers import Databases

from isobuild.db import Database
from proof.stage import Stage

PLAYED = "schedules on "


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "postgresql"])
def stage(request: pytest.FixtureRequest, migrated: Callable[[Databases], str]) -> Iterator[Stage]:
    """A stage of its own."""
    databases: Databases = request.getfixturevalue(request.param)
    database = Database(databases.copy(migrated(databases), "stage"))
    stage = Stage(database)
    yield stage
    stage.close()
    database.dispose()
    databases.drop("stage")


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Keep for the report that so many schedules of one scene were played on a kind of server."""
    return lambda kind, schedules: request.node.user_properties.append((PLAYED + kind, schedules))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    kept = [each for report in terminalreporter.stats.get("passed", ()) for each in report.user_properties]
    for name in sorted({name for name, _ in kept if name.startswith(PLAYED)}):
        played = [schedules for each, schedules in kept if each == name]
        terminalreporter.write_line(f"proof: {sum(played)} {name} in {len(played)} scenes, none does harm")
