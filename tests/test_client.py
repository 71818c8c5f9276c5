"""isobuild as other programs use it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sites import GATED, ISO, Site, build_user, site, wait_for

import isobuild
from isobuild.domain.states import Cause, TaskState
from isobuild.errors import BadInput, CannotRelease, NotEnded, NotFound, NotReady, Overlaps

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


def test_times_are_those_of_this_machine_unless_they_say_otherwise(client: isobuild.Client) -> None:
    """S2.15: a time without a zone is the machine's own."""
    at = datetime.now() + timedelta(hours=2)  # noqa: DTZ005
    task = client.order("script", script("iso"), at=at, until=at.astimezone() + timedelta(hours=1))
    assert datetime.fromisoformat(task.shown["not_before"]) == at.astimezone()
    assert datetime.fromisoformat(task.shown["not_after"]) == at.astimezone() + timedelta(hours=1)


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
    program.write_text("import sys, isobuild\nprint([name for name in sys.modules if name.startswith('isobuild')])")
    assert site.python(program) == "['isobuild']\n"
    with pytest.raises(AttributeError):
        isobuild.nonsense  # noqa: B018
