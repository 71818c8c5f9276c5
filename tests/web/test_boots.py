"""The boot test on the pages and in the API: a mark beside the state, the words, the console, the screen."""

import re
from typing import Any

import pytest

from web.counter import Counter

UP = {"reached": True, "seconds": 12.1, "accel": "kvm", "where": None}
DOWN = {"reached": False, "seconds": 60.0, "accel": "kvm", "where": "the kernel panicked; its last line: <Oops>"}
UNTRIED = {"reached": None, "seconds": None, "accel": None, "where": "package ovmf is not installed"}
PNG = b"\x89PNG\r\n\x1a\n and so on"
BESIDE = {"boot-bios": PNG, "boot-bios-log": b"login: ", "manifest": b"tea 1.0\n"}


def make(counter: Counter, **proof: dict[str, Any]) -> int:
    number = counter.order("kiosk")
    counter.succeed(counter.start(), b"an ISO", beside=BESIDE, proof=proof or None)
    return number


@pytest.mark.parametrize(
    ("proof", "mark"),
    [
        ({"bios": UP, "uefi": UNTRIED}, "verified"),
        ({"bios": UP, "uefi": DOWN}, "not-verified"),
        ({"bios": UNTRIED}, "not-tested"),
    ],
)
def test_a_mark_stands_beside_the_state(counter: Counter, proof: dict[str, Any], mark: str) -> None:
    number = make(counter, **proof)
    for page in ("/", f"/tasks/{number}"):
        found = re.search(r'ready</span> <span class="mark ([\w-]+)">([\w ]+)</span>', counter.client.get(page).text)
        assert found
        assert (found[1], found[2]) == (mark, mark.replace("-", " "))


def test_without_a_boot_test_nothing_is_said_of_it(counter: Counter) -> None:
    page = counter.client.get(f"/tasks/{make(counter)}").text
    assert ('class="mark' in page, "Boot test" in page) == (False, False)
    assert counter.task(1)["verified"] is None


def test_a_tasks_page_tells_of_each_firmware_and_shows_its_screen(counter: Counter) -> None:
    number = make(counter, bios=UP, uefi=DOWN)
    page = counter.client.get(f"/tasks/{number}").text
    assert "up after 12.1 s" in page
    assert "not up after 60 s: the kernel panicked; its last line: &lt;Oops&gt;" in page
    assert "it did not come up in its boot test" in page
    assert f'<img src="/download/{number}/kiosk.bios.png" alt="The screen of a machine with BIOS' in page
    assert f'href="/download/{number}/kiosk.bios.log">What its console said' in page
    assert "kiosk.uefi" not in page, "there is none"
    (also,) = re.findall(r">Also: (.*)</p>", page)
    assert "kiosk.manifest" in also
    assert "kiosk.bios" not in also


def test_what_was_kept_of_it_opens_in_the_browser(counter: Counter) -> None:
    number = make(counter, bios=UP)
    screen = counter.client.get(f"/download/{number}/kiosk.bios.png")
    assert (screen.headers["Content-Type"], screen.content) == ("image/png", PNG)
    assert screen.headers["Content-Disposition"].startswith("inline;")
    console = counter.client.get(f"/download/{number}/kiosk.bios.log")
    assert (console.headers["Content-Type"], console.text) == ("text/plain; charset=utf-8", "login: ")
    assert counter.client.get(f"/download/{number}/kiosk.iso").headers["Content-Disposition"].startswith("attachment;")


def test_the_api_tells_it(counter: Counter) -> None:
    make(counter, bios=UP, uefi=DOWN)
    (task,) = counter.client.get("/api/tasks").json()
    assert (task["verified"], task["proof"]) == (False, {"bios": UP, "uefi": DOWN})
    assert {"boot-bios", "boot-bios-log"} < {file["kind"] for file in task["files"]}
    (build,) = counter.client.get("/api/builds").json()
    assert build["proof"] == task["proof"]
