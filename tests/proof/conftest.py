"""A stage for each kind of server, and how many schedules were played on it."""

from collections.abc import Callable, Iterator

import pytest
from servers import Databases

from isobuild.db import Database
from proof.stage import Stage


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
    return lambda kind, schedules: request.node.user_properties.append((f"schedules on {kind}", schedules))
