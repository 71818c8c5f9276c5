"""Whose fault it was: from the exit status first, then from what was printed last."""

import pytest
from sites import Site

from isobuild.domain.states import Cause
from isobuild.runner import causes

PRINTED = [
    ("tee: x: No space left on device", Cause.HOST),
    ("sh: 1: xorriso: command not found", Cause.HOST),
    ("virtual memory exhausted: Cannot allocate memory", Cause.HOST),
    ("E: Failed to fetch InRelease  Connection timed out", Cause.UPSTREAM),
    ("curl: (6) Could not resolve host", Cause.UPSTREAM),
    ("E: Failed to fetch x.deb  Hash Sum mismatch", Cause.UPSTREAM),
    ("E: Release file for x is expired (invalid since 3d).", Cause.UPSTREAM),
    ("E: Unable to locate package nginxx", Cause.REQUEST),
    ("E: Package 'x' has no installation candidate", Cause.REQUEST),
    ("The following packages have unmet dependencies:", Cause.REQUEST),
    ("E: Version '9' for 'bash' was not found", Cause.REQUEST),
    ("Segmentation fault", Cause.HOST),
    ("", Cause.HOST),
]


@pytest.mark.parametrize(("printed", "cause"), PRINTED)
def test_what_was_printed_tells(printed: str, cause: Cause) -> None:
    assert causes.failure("bootstrap", 100, printed, f"before\n{printed}").cause == cause


@pytest.mark.parametrize(
    ("status", "cause"), [(65, Cause.REQUEST), (69, Cause.UPSTREAM), (71, Cause.HOST), (75, Cause.UPSTREAM)]
)
@pytest.mark.parametrize("printed", ["No space left on device", "Failed to fetch", "Unable to locate package x"])
def test_a_status_that_tells_counts_more_than_what_was_printed(status: int, cause: Cause, printed: str) -> None:
    assert causes.failure("bootstrap", status, "", printed).cause == cause


def test_a_full_disk_counts_more_than_the_fetch_that_it_broke() -> None:
    printed = "E: Failed to fetch x.deb / E: write: No space left on device"
    assert causes.failure("bootstrap", 100, printed, printed).cause == Cause.HOST


@pytest.mark.parametrize(
    ("status", "cause", "task"),
    [
        (65, "request", "failed"),
        (69, "upstream", "pending"),
        (75, "upstream", "pending"),
        (1, "host", "pending"),
        (2, "host", "pending"),
        (77, "host", "pending"),
        (124, "host", "pending"),
        (255, "host", "pending"),
    ],
)
def test_the_exit_status_of_a_script(site: Site, status: int, cause: str, task: str) -> None:
    site.order(text=f"#!/bin/sh\necho so it goes\nexit {status}\n")
    build = site.carry()
    assert (build["state"], build["cause"]) == ("failed", cause)
    assert build["error"] == f"Step first.sh ended with exit status {status}: so it goes"
    assert (site.task()["state"], site.task()["cause"]) == (task, cause)


def test_a_script_that_a_signal_ends(site: Site) -> None:
    site.order(text="#!/bin/sh\nkill -SEGV $$\n")
    assert site.carry()["error"] == "Step first.sh ended with exit status 139: it printed nothing"


@pytest.mark.parametrize("status", [65, 71])
def test_what_the_script_says_of_it_comes_first(site: Site, status: int) -> None:
    said = "echo 'E: early' >&2; echo 'E: packages: no tea.' >&2; echo 'and so it ended' >&2"
    site.order(text=f"#!/bin/sh\n{said}\nexit {status}\n")
    build = site.carry()
    assert build["error"] == f"packages: no tea (step first.sh, exit status {status})"
    assert build["exit_status"] == status
    assert build["tail"] == "E: early\nE: packages: no tea.\nand so it ended"


def test_of_another_status_all_last_lines_are_told() -> None:
    failed = causes.failure("first.sh", 100, "E: one / E: two", "E: one\nE: two")
    assert str(failed) == "Step first.sh ended with exit status 100: E: one / E: two"


def test_a_request_that_cannot_be_built_is_not_tried_again(site: Site) -> None:
    site.order(text="#!/bin/sh\nexit 65\n")
    site.carry()
    site.tick()
    assert len(site.builds()) == 1
    assert site.task()["not_before"] is None
