"""A log on the page: its end, followed by byte offset, and the whole as text."""

import re

from starlette.testclient import TestClient

from web.counter import Counter


def next_of(lines: str) -> str:
    """Where the page asks for the lines after these; empty if it asks no more."""
    found = re.search(r'hx-get="([^"]+)"', lines)
    return found[1].replace("&amp;", "&") if found else ""


def test_a_log_is_followed_until_its_build_ends(counter: Counter) -> None:
    number = counter.order("kiosk")
    build = counter.start()
    counter.log(build[0], "run step kernel")
    asked = next_of(counter.client.get(f"/tasks/{number}").text.partition('<section id="log-')[2])
    assert counter.client.get(asked).status_code == 204, "nothing new: the page is left alone"
    counter.log(build[0], "out one", "err two")
    lines = counter.client.get(asked)
    assert re.findall(r'<li class="(\w+)">.*<span>(.*)</span>', lines.text) == [("out", "one"), ("err", "two")]
    asked = next_of(lines.text)
    counter.log(build[0], "run done")
    counter.succeed(build)
    lines = counter.client.get(asked)
    assert "<span>done</span>" in lines.text
    assert next_of(lines.text) == ""


def test_half_a_line_waits_for_the_rest(counter: Counter) -> None:
    number = counter.order("kiosk")
    build, _ = counter.start()
    counter.log(build, "out whole")
    path = counter.settings.logs / f"{build}.log"
    with path.open("a") as file:
        file.write("2026-11-21T06:43:08.000001Z out ha")
    first = counter.client.get(f"/tasks/{number}/log?build={build}")
    assert "whole" in first.text
    assert "<span>ha" not in first.text
    with path.open("a") as file:
        file.write("lf\n")
    assert "<span>half</span>" in counter.client.get(next_of(first.text)).text


def test_a_long_log_shows_its_end_and_is_whole_as_text(counter: Counter) -> None:
    number = counter.order("kiosk")
    build = counter.start()
    counter.log(build[0], *(f"out line {line} {'x' * 80}" for line in range(2000)))
    counter.succeed(build)
    page = counter.client.get(f"/tasks/{number}").text
    assert "line 1999 " in page
    assert "line 1000 " not in page
    assert "Earlier lines are in the whole log." in page
    assert len(page) < 200_000
    assert not re.search(r'<li class="(?!out|gap)', page.partition('class="lines"')[2]), "no line is torn"
    whole = counter.client.get(f"/tasks/{number}/log.txt?build={build[0]}")
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.content == (counter.settings.logs / f"{build[0]}.log").read_bytes()


def test_the_last_builds_log_is_the_usual_one(counter: Counter) -> None:
    number = counter.order("kiosk")
    counter.log(counter.start()[0], "out words")
    assert "words" in counter.client.get(f"/tasks/{number}/log.txt").text


def test_logs_that_are_not_there(counter: Counter, client: TestClient) -> None:
    number, _ = counter.make("kiosk", b"an ISO")
    waiting = counter.order("second")
    assert "This build wrote no log." in client.get(f"/tasks/{number}").text
    for path in (f"/tasks/{number}/log.txt", f"/tasks/{waiting}/log", f"/tasks/{waiting}/log?build=1",
                 f"/tasks/{number}/log?build=9", "/tasks/9/log", "/tasks/9/log.txt"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    for query in ("offset=-1", f"offset={10**30}", "offset=x", "build=0"):
        assert client.get(f"/tasks/{number}/log?{query}").status_code == 422, query
    assert client.get(f"/tasks/{number}/log?build=1&offset={2**63 - 1}").status_code == 200
