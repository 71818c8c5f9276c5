"""isobuild as other programs use it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sites import GATED, ISO, Site, build_user, site, wait_for
from sqlalchemy import event

import isobuild
from isobuild.domain import tasks
from isobuild.domain.states import Cause, TaskState
from isobuild.errors import BadInput, CannotRelease, Damaged, NotEnded, NotFound, NotReady, Overlaps

__all__ = ["build_user", "site"]
RESULTS = ISO + """echo '{"kernel": "6.1"}' >"$ISOBUILD_OUT/results.json"\n"""


@pytest.fixture
def client(site: Site, monkeypatch: pytest.MonkeyPatch) -> isobuild.Client:
    for name, value in site.env.items():
        monkeypatch.setenv(name, value)
    for name, text in (("iso", ISO), ("gated", GATED), ("results", RESULTS), ("fails", "#!/bin/sh\nexit 65\n")):
        site.write_script(f"{name}.sh", text)
    return isobuild.Client(user="ann")


def script(name: str) -> dict[str, object]:
    return {"script": f"{name}.sh"}


def test_order_wait_and_download(site: Site, client: isobuild.Client, tmp_path: Path) -> None:
    """S2.10, S2.11, S2.C8, S4.18: dispatch, by name, from a program; the order is there when the call returns."""
    task = client.order("script", script("results"), name="studio", queue="high", priority=3, tags={"team": "kde"})
    assert (task.number, task.name, task.state, task.shown["user"]) == (1, "studio", TaskState.PENDING, "ann")
    with pytest.raises(NotReady):
        task.download(tmp_path)
    with pytest.raises(NotEnded, match="Task 1 is still pending after 0 s"):
        task.wait(0)
    with site.started("up", "--port", "0"):
        done = task.wait(60)
    assert (done.state, done.results) == (TaskState.READY, {"kernel": "6.1"})
    assert done.download(tmp_path) == tmp_path / "studio.iso"
    assert (tmp_path / "studio.iso").read_text() == "an ISO"
    assert done.download(tmp_path / "other.iso").read_text() == "an ISO"
    assert repr(done) == "<Task 1 'studio': ready>"
    site.isos()[0].write_text("no ISO")
    with pytest.raises(Damaged):
        done.download(tmp_path)
    assert (tmp_path / "studio.iso").read_text() == "an ISO"


def test_names_come_by_themselves(client: isobuild.Client) -> None:
    tasks = [client.order("script", script("iso"), fresh=True) for _ in range(3)]
    assert len({task.name for task in tasks}) == 3
    assert [task.number for task in client.tasks(user="ann")] == [3, 2, 1]


def test_tasks_are_found_by_their_tags_and_text(client: isobuild.Client) -> None:
    """S4.22: search."""
    for name, team in (("studio", "kde"), ("lab", "xfce"), ("school", "")):
        client.order("script", script("iso"), name=name, tags={"team": team} if team else {}, fresh=True)
    assert [task.name for task in client.tasks(tags={"team": None})] == ["lab", "studio"]
    assert [task.name for task in client.tasks(tags={"team": "kde"})] == ["studio"]
    assert [task.name for task in client.tasks(search="scho")] == ["school"]
    assert client.cancel_waiting("script") == [1, 2, 3]


def test_many_that_wait_are_canceled_a_portion_at_a_time(
    client: isobuild.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many: others want to write meanwhile. None takes the place of the one that it follows."""
    base = client.order("script", script("iso"), name="base")
    for number in range(4):
        client.order("script", script("iso"), name=f"same-{number}")
    client.order("script", script("iso"), name="flavour", after=[base])
    commits: list[object] = []
    event.listen(client.desk.db.engine, "commit", commits.append)
    monkeypatch.setattr(tasks, "MANY", 4)
    assert client.cancel_waiting("script") == [1, 2, 3, 4, 5, 6]
    assert len(commits) == 2
    assert {(len(task.history()), task.state) for task in client.tasks()} == {(2, TaskState.CANCELED)}


def test_words_are_as_good_as_their_types(client: isobuild.Client) -> None:
    base = client.order("script", script("iso"), name="base")
    base.cancel()
    assert client.order("script", script("iso"), after=[base], on_dependency_failure="run").state == "pending"
    assert client.order("script", script("iso"), after=["base"], on_dependency_failure="wait").state == "blocked"
    for wrong, words in (
        ({"after": "base"}, "after: 'base' can't be used: a list of tasks"),
        ({"after": [1.5]}, "after: '[1.5]' can't be used: a list of tasks"),
        ({"on_dependency_failure": "go"}, "on_dependency_failure: 'go' can't be used: fail, run, wait"),
        ({"tags": ["kde"]}, r"tags: .* can't be used: words with their values"),
    ):
        with pytest.raises(BadInput, match=words.replace("[", r"\[")):
            client.order("script", script("iso"), **wrong)


def test_many_orders_take_one_connection(client: isobuild.Client) -> None:
    tasks = [isobuild.order("script", script("iso"), fresh=True) for _ in range(3)]
    assert len({id(task.client) for task in tasks}) == 1


def test_times_are_those_of_this_machine_unless_they_say_otherwise(client: isobuild.Client) -> None:
    """S2.15: a time without a zone is the machine's own."""
    at = datetime.now() + timedelta(hours=2)  # noqa: DTZ005
    task = client.order("script", script("iso"), at=at, until=at.astimezone() + timedelta(hours=1))
    assert datetime.fromisoformat(task.shown["not_before"]) == at.astimezone()
    assert datetime.fromisoformat(task.shown["not_after"]) == at.astimezone() + timedelta(hours=1)
    same = client.order("script", script("iso"), not_before=at, not_after=at.astimezone() + timedelta(hours=1))
    assert [same.shown[key] for key in ("not_before", "not_after")] == [
        task.shown[key] for key in ("not_before", "not_after")
    ]


def test_what_may_be_done_with_a_task(site: Site, client: isobuild.Client) -> None:
    base = client.order("script", script("iso"), name="base", without_overlapping=True)
    flavour = client.order("script", script("gated"), name="flavour", after=[base, "base"])
    assert flavour.shown["after"] == [base.number]
    with pytest.raises(Overlaps):
        client.order("script", script("iso"), without_overlapping=True)
    with pytest.raises(CannotRelease):
        base.release()
    assert flavour.cancel().state is TaskState.CANCELED
    assert flavour.retry().state is TaskState.BLOCKED
    flavour.cancel().remove()
    with pytest.raises(NotFound):
        flavour.refresh()
    assert [event["to"] for event in base.history()] == ["pending"]


def test_a_build_is_given_back(site: Site, client: isobuild.Client) -> None:
    task = client.order("script", script("gated"), name="slow")
    site.tick()
    wait_for(lambda: site.processes("sleep"))
    task.release(at=datetime.now() + timedelta(hours=1))  # noqa: DTZ005
    wait_for(lambda: task.refresh().state is TaskState.PENDING)
    assert (task.refresh().shown["attempts"], task.refresh().shown["not_before"] is not None) == (0, True)


def test_a_failure_says_whose_fault_it_is(site: Site, client: isobuild.Client) -> None:
    task = client.order("script", script("fails"))
    site.tick()
    ended = task.wait(60)
    assert (ended.state, ended.cause) == (TaskState.FAILED, Cause.REQUEST)
    assert "exit status 65" in (ended.error or "")
    assert ended.results == {}


def test_bad_input_names_the_field(client: isobuild.Client) -> None:
    for field, wish in (("queue", {"queue": "cake"}), ("after", {"after": [9]}), ("tags", {"tags": {"Ä": "x"}})):
        with pytest.raises(BadInput) as caught:
            client.order("script", script("iso"), **wish)
        assert caught.value.field == field
    assert client.tasks() == []


def test_nothing_is_loaded_before_it_is_asked_for(site: Site) -> None:
    program = site.home / "program.py"
    program.write_text("import sys, isobuild\nprint({name for name in sys.modules if 'isobuild' in name})")
    assert site.python(program) in {"{'isobuild', 'isobuild.version'}\n", "{'isobuild.version', 'isobuild'}\n"}
    with pytest.raises(AttributeError):
        isobuild.nonsense  # noqa: B018


def test_a_client_of_another_home_orders_there(client: isobuild.Client, home: Path, tmp_path: Path) -> None:
    """The file of the default home, which may name everybody's database, is not for another home."""
    (home / "isobuild.toml").write_text(f'database = "sqlite:///{home}/isobuild.sqlite3"\n')
    (tmp_path / "isobuild.toml").write_text('queues = ["trial"]\n')
    task = isobuild.Client(home=tmp_path).order("tiny", name="trial")
    assert (task.number, task.shown["queue"]) == (1, "trial")
    assert client.tasks() == []
