"""What a claim costs does not grow with the table: each query of rule 1 reads its index, and sorts nothing."""

from datetime import timedelta
from typing import Any

import pytest
from orders import HOST, NOW, order_task
from sqlalchemy import Connection, event, insert, text

from isobuild.db import Database
from isobuild.domain import line
from isobuild.domain.states import TaskState
from isobuild.domain.tables import Task

ROWS = 3000
ANALYZE = {"sqlite": "ANALYZE", "mariadb": "ANALYZE TABLE tasks", "postgresql": "ANALYZE tasks"}


@pytest.fixture
def crowded(database: Database) -> Database:
    """Some thousand tasks of every kind, one in four of them ready to go, and as many asleep."""
    order_task(database, "first")
    kinds = (TaskState.PENDING, TaskState.PENDING, TaskState.READY, TaskState.FAILED)
    rows: list[dict[str, Any]] = [
        {
            "user_id": 1, "name": f"os{number}", "iso": "x.iso", "recipe": "tiny", "options": {}, "max_attempts": 5,
            "retry_delay": 30.0, "time_limit": 60.0, "queue": HOST.queues[number % 3], "rank": number % 5 - 2,
            "state": kinds[number % 4], "created_at": NOW + timedelta(seconds=number),
            "not_before": NOW + timedelta(days=1, seconds=number) if number % 4 == 1 else None,
        }
        for number in range(ROWS)
    ]  # fmt: skip
    with database.writer.begin() as connection:
        connection.execute(insert(Task), rows)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(ANALYZE[database.engine.dialect.name]))
    return database


def test_the_next_task_is_the_first_of_the_index(crowded: Database) -> None:
    """S4.32: by state, queue, priority and time, in one index."""
    for plan in plans(crowded, "SELECT", lambda session: line.first(session, HOST, set(), NOW)):
        assert reads_the_index(plan), plan
        assert not sorts(plan), plan


def test_waking_reads_the_index(crowded: Database) -> None:
    for plan in plans(crowded, "UPDATE", lambda session: line.wake(session, NOW)):
        assert reads_the_index(plan), plan
        assert not sorts(plan), plan


def plans(database: Database, verb: str, work: Any) -> list[str]:
    """How the database would do each statement of the work that begins with the verb."""
    found: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(verb) and "tasks" in statement:
            how = connection.exec_driver_sql(f"{EXPLAIN[connection.dialect.name]} {statement}", parameters)
            found.append("\n".join(str(tuple(row)) for row in how))

    event.listen(database.engine, "before_cursor_execute", explain)
    database.write(work)
    assert found
    return found


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "mariadb": "EXPLAIN", "postgresql": "EXPLAIN (FORMAT JSON)"}


def reads_the_index(plan: str) -> bool:
    return "ix_tasks_ready" in plan or "ix_tasks_fair" in plan  # both begin with the same columns


def sorts(plan: str) -> bool:
    return any(word in plan for word in ("TEMP B-TREE", "filesort", "temporary", "'Sort'", "Seq Scan", "Bitmap"))
