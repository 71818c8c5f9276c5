"""What went wrong where isobuild comes from does not here: faults of the originals that belong to no one file."""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from orders import HOST, MINUTE, NOW, FakeLauncher, all_rows, build_row, fail, order_task, run_tick, succeed, task_row

from isobuild.db import Database
from isobuild.domain import builds, history, queues, tags, tasks, turns
from isobuild.domain.builds import End
from isobuild.domain.hosts import Host
from isobuild.domain.states import BuildState, Cause
from isobuild.errors import ReportRefused

PACKAGE = Path(__file__).parents[1] / "isobuild"
SQL = """x'); DROP TABLE tasks; -- " ` \\ %s %(x)s :id {0}"""


@pytest.fixture
def launcher(database: Database) -> FakeLauncher:
    return FakeLauncher(database)


def test_of_builds_of_one_moment_the_open_one_counts(database: Database, launcher: FakeLauncher) -> None:
    """S0.C3: whether the server is busy is no matter of which row is the last by its time."""
    for name in ("a", "b", "c"):
        order_task(database, name)
    for _ in range(3):
        run_tick(database, launcher)
        assert run_tick(database, launcher).idle
        fail(database, launcher.launched[-1], cause=Cause.REQUEST)
    assert launcher.tasks == [1, 2, 3]


def test_an_unfinished_build_behind_a_finished_one_is_launched(database: Database, launcher: FakeLauncher) -> None:
    """S0.C10: not the last build alone is looked at."""
    wide = Host("oven", slots=2)
    for name in ("one", "two"):
        order_task(database, name)
    assert database.write(turns.enqueue, wide, NOW) == 2
    database.write(tasks.cancel, 2, "ann", NOW)
    assert (build_row(database, 1).finished, build_row(database, 2).finished) == (False, True)
    run_tick(database, launcher, NOW + MINUTE, wide)
    assert launcher.tasks == [1]


def test_of_many_that_report_at_once_one_is_heard(database: Database, launcher: FakeLauncher) -> None:
    """S4.C4: the state is looked at where it is changed, so that two finishers never both win."""
    order_task(database, "tea")
    run_tick(database, launcher)

    def report(number: int) -> bool:
        try:
            (succeed if number % 2 else fail)(database, launcher.launched[0])
        except ReportRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(report, range(8))).count(True) == 1
    with database.read() as session:
        ends = [event.new for event in history.of(session, 1) if event.build_id and event.old == "running"]
    assert ends == [build_row(database, 1).state]
    assert len(all_rows(database)["artifacts"]) == (ends == ["succeeded"])


def test_no_words_become_sql(database: Database, launcher: FakeLauncher) -> None:
    """S0.C6: what anybody says is a value of a statement, and never a part of it."""
    order_task(database, "tea", options={SQL: SQL}, tags={"note": SQL})
    run_tick(database, launcher)
    launch = launcher.launched[0]
    database.write(builds.progress, launch.build, launch.token, 1.0, SQL)
    database.write(queues.pause, "low", SQL, HOST.queues, SQL, NOW)
    with pytest.raises(ReportRefused):
        database.write(builds.finish, launch.build, SQL, End(state=BuildState.SUCCEEDED), NOW)
    said = End(state=BuildState.FAILED, cause=Cause.HOST, error=SQL, tail=SQL, results={SQL: SQL})
    database.write(builds.finish, launch.build, launch.token, said, NOW)
    build, task = build_row(database, 1), task_row(database, 1)
    assert (build.step, build.error, build.tail, task.error) == (SQL,) * 4
    assert task.options == build.results == {SQL: SQL}
    with database.read() as session:
        assert tags.of(session, 1) == {1: {"note": SQL}}
        pause = queues.paused(session)["low"]
        assert (pause.reason, pause.who, history.of(session, 1)[-1].why) == (SQL,) * 3


def test_no_statement_is_put_together_and_no_command_is_a_shells_line() -> None:
    """S0.C6, S0.C7: SQL as text is written out; nothing is handed to a shell.

    But db.py, which knows the databases, puts in the names of our own tables: they can't be values.
    """
    shells = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
    found = []
    for where, call, name in _calls():
        is_sql = name in {"text", "exec_driver_sql"} and not where.startswith("db.py:")
        if is_sql and not all(_is_written_out(argument) for argument in call.args):
            found.append(f"{where}: {name} of a text that was put together")
        if name in shells or any(keyword.arg == "shell" for keyword in call.keywords):
            found.append(f"{where}: {name} calls a shell")
    assert found == []


def _calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call in isobuild: its place, and the name of what is called."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node, name


def _is_written_out(argument: ast.expr) -> bool:
    if isinstance(argument, ast.IfExp):
        return _is_written_out(argument.body) and _is_written_out(argument.orelse)
    return isinstance(argument, ast.Constant)
