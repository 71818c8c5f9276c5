"""One task now, by its recipe's name, before one's eyes."""

import os
import signal
import subprocess
import sys

from sites import GATED, ISO, Site, wait_for

FAILS = "#!/bin/sh\nexit 1\n"
STUCK = "#!/bin/sh\nsetsid sleep 301 &\nsleep 302\n"


def run_task(site: Site, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    return site.run("run-task", "script", *arguments, code=code)


def test_the_next_task_of_a_recipe_goes_before_all_others(site: Site) -> None:
    """S2.18: run one by its name, before one's eyes."""
    site.run("order", "tiny", "--name", "urgent", "--queue", "high")
    site.order("mine", GATED.replace("while", "echo here; touch go; while"), queue="low")
    done = run_task(site)
    assert done.stdout == "2\n"
    for words in ("here", "unpacking", "Ready: mine.iso", "isobuild download 2"):
        assert words in done.stderr
    assert (site.task(1)["state"], site.task(2)["state"]) == ("pending", "ready")
    assert [runner["state"] for runner in site.json("runners", "--all")] == ["ended"]


def test_one_is_ordered_and_goes_at_once(site: Site) -> None:
    site.write_script("a.sh", ISO)
    assert run_task(site, "--script", "a.sh", "--name", "one").stdout == "1\n"
    assert "Ready: two.iso" in run_task(site, "--script", "a.sh", "--name", "two").stderr
    assert len(site.json("builds")) == 1
    run_task(site, "--script", "a.sh", "--name", "three", "--fresh")
    assert len(site.json("builds")) == 2


def test_one_that_fails(site: Site) -> None:
    site.write_script("a.sh", FAILS)
    assert "Task 1 is pending: Step a.sh ended" in run_task(site, "--script", "a.sh", "--name", "x", code=1).stderr


def test_none_goes(site: Site) -> None:
    assert "isobuild run-task script --name NAME" in run_task(site, code=4).stderr
    assert (
        "options, --queue and --boot-test are for a task that is ordered now"
        in run_task(site, "--script", "a.sh", code=2).stderr
    )
    assert "there is no recipe 'tinny'" in site.run("run-task", "tinny", code=2).stderr
    site.order(text=GATED)
    site.tick()
    site.write_script("a.sh", ISO)
    assert "has no free slot" in run_task(site, "--script", "a.sh", "--name", "x", code=3).stderr
    assert site.count() == 1


def test_ctrl_c_gives_it_back(site: Site) -> None:
    site.order(text=STUCK)
    with site.started("run-task", "script") as process:
        wait_for(lambda: len(site.processes("sleep")) == 2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Task 1 is pending: given back" in err
    assert (site.task()["attempts"], site.is_clear()) == (0, True)


def test_a_waiting_task_is_followed(site: Site) -> None:
    site.order(text=STUCK)
    site.tick()
    with site.started("order", "script", "--script", "first.sh", "--name", "x", "--follow") as following:
        wait_for(lambda: site.count() == 2)
        assert following.stdout
        assert following.stdout.readline() == "2\n"
        site.run("cancel", 2)
        assert "Task 2 is canceled" in following.communicate(timeout=30)[1]


def test_the_terminal_goes(site: Site) -> None:
    """A dropped connection gives it back too, though nobody can be told."""
    site.order(text=STUCK)
    terminal, ours = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, "-m", "isobuild", "run-task", "script"],
        env=site.env, stdin=ours, stdout=ours, stderr=ours,
    )  # fmt: skip
    os.close(ours)
    wait_for(lambda: len(site.processes("sleep")) == 2)
    os.close(terminal)
    process.wait(30)
    assert site.task()["error"] == "given back: its runner was told to end (SIGHUP)"
    assert (site.task()["state"], site.task()["attempts"], site.is_clear()) == ("pending", 0, True)


def test_it_goes_to_the_queue_that_is_named_or_the_usual_one(site: Site) -> None:
    site.write_script("a.sh", ISO)
    site.env["ISOBUILD_QUEUES"] = "release, nightly"
    run_task(site, "--script", "a.sh", "--name", "one")
    run_task(site, "--script", "a.sh", "--name", "two", "--queue", "nightly")
    site.run("order", "script", "--script", "a.sh", "--name", "three")
    assert [site.task(number)["queue"] for number in (1, 2, 3)] == ["release", "nightly", "release"]
    for words in (("--queue", "nightly"), ("--no-boot-test",)):
        assert "--boot-test are for a task that is ordered now" in run_task(site, *words, code=2).stderr


def test_a_paused_queue_holds_it_back(site: Site) -> None:
    site.write_script("a.sh", ISO)
    site.run("queue", "pause", "default", "--reason", "the mirror moves")
    said = run_task(site, "--script", "a.sh", "--name", "one", code=3).stderr
    assert "one can't be built now: queue default is paused: the mirror moves." in said
    assert site.count() == 0
    run_task(site, "--script", "a.sh", "--name", "one", "--queue", "high")
