"""The explorer misses nothing that matters, and what it leaves out makes no difference."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from orders import NOW, all_rows
from sqlalchemy import text
from sqlalchemy.orm import Session

from isobuild.db import Database
from isobuild.domain import limits
from isobuild.domain.rules import Allowance
from proof.explorer import DivergedError
from proof.footprints import ALONE, Footprint, Statement
from proof.scene import Scene, call
from proof.scenes.builds import claim_and_claim
from proof.stage import Stage

Prepare = Callable[[Database], Scene]
STATEMENTS = {
    "x": "UPDATE buckets SET tokens = tokens * 2 + 1 WHERE name = 'x'",
    "y": "UPDATE buckets SET tokens = tokens * 2 + 1 WHERE name = 'y'",
    "X": "SELECT tokens FROM buckets WHERE name = 'x'",
    "Y": "SELECT tokens FROM buckets WHERE name = 'y'",
}


def works(**statements: str) -> Prepare:
    """A transaction for each actor, one statement for each letter: x and y are added to, X and Y are looked at."""

    def prepare(database: Database) -> Scene:
        for name in "xy":
            database.write(limits.draw, name, Allowance(10, timedelta(hours=1)), NOW)
        return Scene({actor: call(_send, letters) for actor, letters in statements.items()})

    return prepare


def _send(session: Session, letters: str) -> list[float]:
    results = [session.execute(text(STATEMENTS[letter])) for letter in letters]
    return [result.scalar_one() for letter, result in zip(letters, results, strict=True) if letter.isupper()]


def ends(stage: Stage, prepare: Prepare, every: bool) -> tuple[int, set[str]]:
    """How many schedules there are, and what they come to: what the actors saw, and the rows."""
    found = [f"{played.outcomes} {all_rows(stage.database)}" for played in stage.play(prepare, every)]
    return len(found), set(found)


@pytest.mark.parametrize(
    "prepare",
    [works(A="xX", B="xX"), works(A="xy", B="yx"), works(A="Xx", B="xX"), works(A="xY", B="yX"), claim_and_claim],
    ids=["one-row", "crosswise", "look-first", "look-across", "claim"],
)
def test_what_is_left_out_comes_to_the_same(stage: Stage, monkeypatch: pytest.MonkeyPatch, prepare: Prepare) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "5a" * size)
    every, all_ends = ends(stage, prepare, every=True)
    some, its_ends = ends(stage, prepare, every=False)
    assert its_ends == all_ends
    assert some < every


def test_all_the_orders_of_steps_that_do_not_wait(stage: Stage) -> None:
    """Two looks and the end of each transaction (SQLite says when it begins, too: one may write at a time)."""
    every, _ends = ends(stage, works(A="XY", B="XY"), every=True)
    some, _ends = ends(stage, works(A="XY", B="XY"), every=False)
    if stage.database.engine.dialect.name != "sqlite":
        assert (every, some) == (20, 1)


def test_a_deadlock_is_met_and_its_victim_tries_again(stage: Stage) -> None:
    played = list(stage.play(works(A="xy", B="yx")))
    assert all(one.outcomes == {"A": [], "B": []} for one in played)
    again = [one for one in played if len(one.schedule.steps) > len(played[0].schedule.steps)]
    assert bool(again) == (stage.database.engine.dialect.name != "sqlite")


def test_three_that_wait_for_each_other(stage: Stage) -> None:
    _count, all_ends = ends(stage, works(A="x", B="x", C="x"), every=True)
    _count, its_ends = ends(stage, works(A="x", B="x", C="x"), every=False)
    assert its_ends == all_ends


def test_a_schedule_can_be_read(stage: Stage) -> None:
    told = {line.strip() for played in stage.play(works(A="x", B="X")) for line in str(played).splitlines()}
    assert any(line.endswith(" A: UPDATE buckets SET tokens = tokens * 2 + 1 WHERE name = 'x'") for line in told)
    assert any(line.endswith(" B: SELECT … FROM buckets WHERE name = 'x'") for line in told)
    assert {"A: []", "B: [9.0]", "B: [19.0]"} <= told


def test_what_goes_another_way_by_itself_is_noticed(stage: Stage) -> None:
    turn = count()

    def prepare(database: Database) -> Scene:
        fickle = works(A="x", B="x")(database)
        return Scene({**fickle.works, "A": lambda database: database.write(_send, "xy"[next(turn) % 2])})

    with pytest.raises(DivergedError, match="became"):
        list(stage.play(prepare))


# what statements do


def cells(footprint: Footprint) -> tuple[list[object], list[object]]:
    return sorted(footprint.reads, key=str), sorted(footprint.locks, key=str)


@pytest.mark.parametrize(
    ("statement", "values", "reads", "locks"),
    [
        ("SELECT tasks.id FROM tasks WHERE tasks.id = %(pk_1)s", {"pk_1": 7}, [("tasks", 7)], []),
        ("SELECT tasks.id FROM tasks WHERE tasks.state = %(state)s", {"state": "ready"}, [("tasks", None)], []),
        ("SELECT tasks.id FROM tasks WHERE tasks.id IN (%(id_1_1)s, %(id_1_2)s) FOR UPDATE", {"id_1_1": 7, "id_1_2": 8},
         [("tasks", 7), ("tasks", 8)], [("tasks", 7), ("tasks", 8)]),
        ("SELECT tasks.id FROM tasks JOIN dependencies ON true WHERE tasks.id = %(pk_1)s", {"pk_1": 7},
         [("dependencies", None), ("tasks", None)], []),
        ("UPDATE tasks SET state=%(state)s WHERE tasks.id = %(id_1)s AND tasks.state = %(state_1)s", {"id_1": 7},
         [("tasks", 7)], [("tasks", 7)]),
        ("UPDATE tasks SET state=%(state)s WHERE tasks.id = %(id_1)s OR tasks.state = %(state_1)s", {"id_1": 7},
         [("tasks", None)], [("tasks", None)]),
        ("UPDATE builds SET open_task=%(open_task)s WHERE builds.id = %(id_1)s", {"id_1": 7, "open_task": None},
         [("builds", 7)], [("builds", 7)]),
        ("UPDATE builds SET open_task=%(open_task)s WHERE builds.id = %(id_1)s", {"id_1": 7, "open_task": 1},
         [("builds", 7)], [("builds", None)]),
        ("UPDATE runners SET memory=%(memory)s WHERE runners.id = (SELECT builds.runner_id FROM builds)", {"memory": 1},
         [("builds", None), ("runners", None)], [("runners", None)]),
        ("INSERT INTO artifacts (task_id) VALUES (%(task_id)s)", {"task_id": 7}, [("artifacts", None)],
         [("artifacts", 7), ("tasks", 7)]),
        ("INSERT INTO dependencies (task_id, on_id) VALUES (%(task_id)s, %(on_id)s)", {"task_id": 7, "on_id": 8},
         [("dependencies", None)], [("dependencies", 7), ("tasks", 7), ("tasks", 8)]),
        ("INSERT INTO history (task_id) VALUES (%(task_id)s)", {"task_id": 7, "build_id": None}, [("history", None)],
         [("history", -7)]),
        ("DELETE FROM tags WHERE tags.task_id = %(task_id)s", {"task_id": 7}, [("tags", None)], [("tags", None)]),
        ("SAVEPOINT sa_savepoint_1", {}, [], []),
    ],
)  # fmt: skip
def test_what_a_statement_reads_and_locks(
    statement: str, values: dict[str, object], reads: list[object], locks: list[object]
) -> None:
    does = Statement(statement, values).footprint(frozenset())
    assert cells(does) == (reads, locks)


def test_removing_a_row_removes_those_that_refer_to_it() -> None:
    does = Statement("DELETE FROM tasks WHERE tasks.id = %(id_1)s", {"id_1": 7}).footprint(frozenset())
    assert {"tasks", "builds", "artifacts", "dependencies", "tags"} <= {table for table, _row in does.locks}


def test_rows_that_are_only_passed_are_locked_too() -> None:
    update = "UPDATE tasks SET state=%(state)s WHERE tasks.id = %(id_1)s"
    assert Statement(update, {"id_1": 7}, straight=False).footprint(frozenset()).locks == {("tasks", None)}


def test_the_end_lets_go_what_was_locked() -> None:
    held = frozenset({("tasks", 7)})
    for end in ("COMMIT", "ROLLBACK", "ROLLBACK TO SAVEPOINT sa_savepoint_1"):
        assert Statement(end, {}).footprint(held) == Footprint(publishes=held)


def test_nobody_disturbs_who_writes_alone() -> None:
    assert Statement("DELETE FROM tasks", {}).footprint(frozenset({ALONE})) == Footprint()


def test_what_is_not_committed_disturbs_locks_and_no_looks() -> None:
    row, other, all_rows = (frozenset({("tasks", number)}) for number in (7, 8, None))
    look, change, pass_by, end = (
        Footprint(reads=row), Footprint(locks=row), Footprint(tries=row), Footprint(publishes=row)
    )  # fmt: skip
    assert not look.disturbs(change)
    assert not pass_by.disturbs(pass_by)
    assert not end.disturbs(end)
    assert not change.disturbs(Footprint(locks=other))
    for disturbed in (change, pass_by, Footprint(locks=all_rows)):
        assert change.disturbs(disturbed)
        assert disturbed.disturbs(change)
    for disturbed in (look, change, pass_by):
        assert end.disturbs(disturbed)
        assert disturbed.disturbs(end)
