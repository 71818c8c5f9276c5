"""A stage for each kind of server, and how many schedules were played on it."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest
from servers import Databases

from isobuild.db import Database
from proof.stage import Stage

PLAYED = pytest.StashKey[dict[str, list[int]]]()


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
    played: dict[str, list[int]] = request.config.stash.setdefault(PLAYED, defaultdict(list))
    return lambda kind, schedules: played[kind].append(schedules)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for kind, played in config.stash.get(PLAYED, {}).items():
        terminalreporter.write_line(f"proof: {sum(played)} schedules of {len(played)} scenes on {kind}, none does harm")
