"""One task now, by its recipe's name, before one's eyes."""

import signal
import subprocess

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
    assert "options are for a task that is ordered now" in run_task(site, "--script", "a.sh", code=2).stderr
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
