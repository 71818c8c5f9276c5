"""The list and a task's page: what they say in each state, and that they need nobody else."""

import re

import pytest
from starlette.testclient import TestClient

from isobuild.domain import tasks
from isobuild.domain.states import Cause
from web.counter import NOW, Counter, fill

PART = {"HX-Request": "true"}


def part_of(page: str, name: str) -> str:
    """The part of the list that is about one task."""
    (found,) = [part for part in page.split("<li id=") if f">{name}</a>" in part]
    return found


def test_an_empty_list_says_what_to_do(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Nothing ordered yet" in page.text
    assert 'href="/order/tiny"' in page.text
    assert "hx-trigger" not in page.text


def test_the_list_says_how_each_task_stands(counter: Counter) -> None:
    """S0.C11: built already: download it; else how it stands."""
    numbers = fill(counter)
    page = counter.client.get("/").text
    ready = part_of(page, "ready-one")
    assert f'href="/download/{numbers["ready"]}/ready-one.iso"' in ready
    assert "0.0 MiB" in ready
    assert counter.task(numbers["ready"])["sha256"] in ready
    assert "The mirror said &lt;b&gt;no&lt;/b&gt; &amp; hung up." in part_of(page, "failed-one")
    building = part_of(page, "building-one")
    assert '<progress max="100" value="41.6" aria-label="Progress of building-one">' in building
    assert "42 %, squash" in building
    assert "It is the next; oven is building task" in part_of(page, "next-one")
    assert "1 build before it; oven is building task" in part_of(page, "later-one")
    assert "It is wanted from 2026-11-21 06:44:00 UTC on." in part_of(page, "asleep-one")
    assert "ordered by setyos" in ready
    assert page.index("asleep-one") < page.index("expired-one"), "the newest first"


def test_the_list_asks_for_its_moving_part_only_while_something_moves(counter: Counter) -> None:
    counter.order("kiosk")
    assert 'hx-get="/" hx-trigger="every 2s"' in counter.client.get("/").text
    part = counter.client.get("/", headers=PART)
    assert part.text.lstrip().startswith('<section id="tasks"')
    assert "HX-Request" in part.headers["Vary"]
    counter.succeed(counter.start())
    assert "hx-get" not in counter.client.get("/", headers=PART).text


def test_pages_go_by_number(counter: Counter) -> None:
    for number in range(1, 31):
        counter.order(f"task-{number}")
    first = counter.client.get("/").text
    assert ">task-6<" in first
    assert ">task-5<" not in first
    assert 'href="/?before=6"' in first
    second = counter.client.get("/?before=6").text
    assert 'hx-get="/?before=6"' in second
    assert [f">task-{number}<" in second for number in (6, 5, 1)] == [False, True, True]
    assert 'rel="next"' not in second
    assert "There are no older tasks" in counter.client.get("/?before=1").text


def test_a_tasks_page_has_all_about_it(counter: Counter) -> None:
    number = counter.order("kiosk", options={"hostname": "lab-2"}, priority=3)
    build = counter.start()
    counter.progress(build, 12.4, "bootstrap")
    counter.log(build[0], "run step bootstrap", "out <i>hello</i>", "err \x1b[31mred\x1b[0m")
    page = counter.client.get(f"/tasks/{number}").text
    assert "<title>kiosk: building 12 % · isobuild</title>" in page
    for words in ("lab-2", "kiosk.iso", "default, priority 3", "attempt 1 on oven", "12 %, bootstrap"):
        assert words in page
    assert "&lt;i&gt;hello&lt;/i&gt;" in page
    assert re.search(r'<li class="err">.*<i>err</i> <span>red</span>', page)
    assert f'hx-get="/tasks/{number}" hx-trigger="every 1s"' in page


def test_the_moving_part_of_a_tasks_page_brings_its_title(counter: Counter) -> None:
    number = counter.order("kiosk")
    counter.succeed(counter.start())
    part = counter.client.get(f"/tasks/{number}", headers=PART).text
    assert part.startswith("<title>kiosk: ready · isobuild</title>")
    assert "<html" not in part
    assert "hx-trigger" not in part


def test_a_failure_says_whose_fault_it_is_and_what_to_do(counter: Counter) -> None:
    number = counter.order("kiosk", max_attempts=3)
    counter.fail(counter.start(), Cause.UPSTREAM, "The mirror is away.")
    page = counter.client.get(f"/tasks/{number}").text
    assert "Attempt 2 of 3 comes at 2026-11-21 06:44:" in page
    assert "<b>upstream</b> The mirror is away." in page
    assert "took 1 min 0 s" in page


def test_a_build_tells_what_was_made_before_and_what_that_saved(counter: Counter) -> None:
    packages = {"cached": 3, "fetched": 0}
    for reused in ({"base": 65.2, "packages": 5.1}, {}):
        number = counter.order(f"kiosk-{len(reused)}")
        stages = {"reused": reused, "made": {"custom": 1.0}, "packages": packages, "saved": sum(reused.values())}
        counter.succeed(counter.start(), stages=stages)
        page = counter.client.get(f"/tasks/{number}").text
        assert ("made before, and not again: base, packages (1 min 10 s saved)" in page) is bool(reused)
        assert ("made before" in page) is bool(reused)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ready", "Download it, check it"),
        ("failed", "A mirror or the network failed"),
        ("canceled", "Retry builds it after all"),
        ("expired", "Retry builds it again"),
        ("building", "It is being built"),
        ("next", "It starts by itself"),
    ],
)
def test_each_state_tells_what_comes_next(counter: Counter, state: str, words: str) -> None:
    """S0.C11: whoever has ordered may sit back, and is told what comes."""
    assert words in counter.client.get(f"/tasks/{fill(counter)[state]}").text


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("next", ["cancel", "remove"]),
        ("building", ["cancel", "release"]),
        ("ready", ["remove", "pin"]),
        ("failed", ["retry", "remove"]),
        ("canceled", ["retry", "remove"]),
        ("expired", ["retry", "remove"]),
    ],
)
def test_each_state_offers_what_can_be_done(counter: Counter, state: str, actions: list[str]) -> None:
    page = counter.client.get(f"/tasks/{fill(counter)[state]}").text
    assert re.findall(r'action="/tasks/\d+/(\w+)"', page) == [*actions, "tags"]


def test_cancel_retry_and_remove(counter: Counter) -> None:
    number = counter.order("kiosk")
    for action, state in (("cancel", "canceled"), ("retry", "pending")):
        answer = counter.client.post(f"/tasks/{number}/{action}")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/tasks/{number}")
        assert counter.task(number)["state"] == state
    answer = counter.client.post(f"/tasks/{number}/remove")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert counter.tasks() == []
    assert counter.nudges == 3


def test_canceling_a_running_build_says_that_it_stops(counter: Counter) -> None:
    number = counter.order("kiosk")
    counter.start()
    counter.client.post(f"/tasks/{number}/cancel")
    page = counter.client.get(f"/tasks/{number}").text
    assert "It stops within seconds." in page
    assert f'action="/tasks/{number}/cancel"' not in page


def test_what_can_not_be_done_is_said_kindly(counter: Counter) -> None:
    number, _ = counter.make("kiosk", b"an ISO")
    answer = counter.client.post(f"/tasks/{number}/retry")
    assert answer.status_code == 409
    assert "only a task that failed" in answer.text
    assert counter.nudges == 0


@pytest.mark.parametrize("path", ["/tasks/9", "/tasks/abc", "/tasks/0", "/tasks/-1", "/tasks/9%00", "/nothing",
                                  f"/tasks/{10**30}", f"/tasks/{'9' * 5000}", "/order/nothing", "/tasks/%F0%9F",
                                  "/static/../app.py", "/static/%00"])  # fmt: skip
def test_what_is_not_there_is_a_page_that_says_so(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "There is n" in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize("query", ["before=0", "before=x", f"before={10**30}", "before=1.5", "before=%00"])
def test_a_bad_query_is_refused_in_words(client: TestClient, query: str) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code == 422
    assert "before: " in answer.text


def test_a_build_of_another_task_is_not_shown(counter: Counter) -> None:
    counter.make("first", b"1")
    second, _ = counter.make("second", b"2")
    assert counter.client.get(f"/tasks/{second}?build=2").status_code == 200
    assert counter.client.get(f"/tasks/{second}?build=1").status_code == 404
    assert counter.client.get(f"/tasks/{second}?build=77").status_code == 404


def test_a_broken_recipe_does_not_take_the_page_with_it(counter: Counter) -> None:
    folder = counter.settings.home / "recipes"
    folder.mkdir()
    (folder / "broken.py").write_text("import nothing_of_this_name")
    page = counter.client.get("/")
    assert page.status_code == 200
    assert "Recipe broken is broken: ModuleNotFoundError" in page.text
    assert 'href="/order/tiny"' in page.text
    assert counter.client.get("/order/broken").status_code == 500


def test_without_a_database_every_page_says_so(counter: Counter) -> None:
    assert counter.client.get("/health").json() == {"status": "ok"}
    counter.db.dispose()
    for file in counter.settings.home.glob("isobuild.sqlite3*"):
        file.unlink()
    counter.settings.home.joinpath("isobuild.sqlite3").mkdir()
    health = counter.client.get("/health")
    assert (health.status_code, health.headers["Content-Type"]) == (503, "application/problem+json")
    assert "can't be reached" in health.json()["detail"]
    page = counter.client.get("/")
    assert page.status_code == 503
    assert "The database can&#39;t be reached" in page.text


def test_nothing_refers_to_another_host(counter: Counter) -> None:
    numbers = fill(counter)
    counter.log(1, "out see https://example.org/")
    paths = ["/", "/order/tiny", "/order/debian-live", *(f"/tasks/{number}" for number in numbers.values()), "/no"]
    for path in paths:
        page = counter.client.get(path).text
        for address in re.findall(r'(?:href|src|action|hx-get|content)="([^"]*//[^"]*)"', page):
            pytest.fail(f"{path} refers to {address}")
    style = counter.client.get("/static/style.css").text
    assert "//" not in style.replace("/*", "").replace("*/", "")
    assert "@import" not in style
    assert "url(" not in style


def test_static_files_are_kept_by_browsers(client: TestClient) -> None:
    script = re.search(r'src="(/static/htmx[^"]+)"', client.get("/").text)
    assert script
    answer = client.get(script[1])
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get(script[1], headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_head_is_get_without_a_body(client: TestClient) -> None:
    for path in ("/", "/order/tiny", "/health"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_task_that_was_ordered_for_later_moves_by_itself(counter: Counter) -> None:
    number = counter.order("kiosk", not_before=NOW + (NOW - NOW.replace(hour=0)))
    assert "hx-trigger" in counter.client.get(f"/tasks/{number}").text
    counter.db.write(tasks.cancel, number, "ann", NOW)
    assert "hx-trigger" not in counter.client.get(f"/tasks/{number}").text
