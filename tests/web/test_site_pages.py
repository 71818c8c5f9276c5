"""The pages about the site's queues and schedules, and what the form says about when."""

import html
import re
from dataclasses import replace
from datetime import timedelta

from starlette.testclient import TestClient

from isobuild.domain import builds, schedules
from isobuild.domain.orders import Order
from isobuild.domain.rules import Allowance, Rules
from web.counter import NOW, Counter, fill


def test_a_queue_is_paused_with_its_reason_and_resumed(counter: Counter, client: TestClient) -> None:
    number = counter.order("kiosk", queue="low")
    assert client.post("/queues/low/pause", data={"reason": "mirror <down>"}).status_code == 303
    page = client.get("/queues").text
    assert "mirror &lt;down&gt;" in page
    assert "Queue low is paused: mirror &lt;down&gt;." in client.get(f"/tasks/{number}").text
    assert client.post("/queues/low/resume").headers["Location"] == "/queues"
    assert "mirror" not in client.get("/queues").text


def test_a_pause_without_a_reason_is_told_beside_it(client: TestClient) -> None:
    answer = client.post("/queues/low/pause", data={"reason": " "})
    assert (answer.status_code, "reason: &#39;&#39; can&#39;t be used" in answer.text) == (422, True)
    assert '<details class="ask" id="ask-low" open>' in answer.text
    assert client.post("/queues/cake/pause", data={"reason": "x"}).status_code == 422
    assert client.post("/queues/low/resume").status_code == 409


def test_what_was_built_is_summed_up(counter: Counter, client: TestClient) -> None:
    fill(counter)
    page = client.get("/queues").text
    assert "<dt>ready</dt><dd>1</dd>" in page
    assert "1 min 0 s as a rule" in page


def test_schedules(counter: Counter, client: TestClient) -> None:
    assert "None yet." in client.get("/schedules").text
    wish = Order(user="setyos", name="nightly", recipe="tiny")
    counter.db.write(schedules.add, "nightly", "0 3 * * *", "UTC", 3600, wish, counter.settings.queues, NOW)
    page = client.get("/schedules").text
    assert "<code>0 3 * * *</code> in UTC orders tiny for setyos" in page
    assert ">2026-11-22 03:00</time>" in page


FORM = {"name": "kiosk", "queue": "default", "priority": "0", "option.hostname": "lab"}


def test_the_form_says_when_and_after_what(counter: Counter, client: TestClient) -> None:
    counter.order("base")
    more = {"not_before": "2026-11-22T03:00", "after": "1", "tags": "team=kde, draft", "fresh": "on"}
    more |= {"on_dependency_failure": "wait"}
    assert client.post("/order/tiny", data=FORM | more).headers["Location"] == "/tasks/2"
    task = counter.task(2)
    assert (task["not_before"], task["after"]) == ("2026-11-22T03:00:00Z", [1])
    assert (task["tags"], task["on_dependency_failure"]) == ({"team": "kde", "draft": ""}, "wait")
    page = client.get("/tasks/2").text
    assert '<a id="after-1" href="/tasks/1">task 1</a>' in page
    assert "It waits for task 1 (base)." in page
    assert "<b>blocked</b>, by dikyos: ordered" in page


def test_what_is_wrong_with_it_stands_beside_the_field(client: TestClient) -> None:
    for field, given in (("not_after", "2020-01-01T00:00"), ("not_before", "soon"), ("after", "9"), ("tags", "Äh=1")):
        answer = client.post("/order/tiny", data=FORM | {field: given})
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert f'value="{given}"' in answer.text
    answer = client.post("/order/tiny", data=FORM | {"boot_test": "maybe"})
    assert (answer.status_code, "'maybe' can" in answer.text.replace("&#39;", "'")) == (422, True)


def test_a_refusal_keeps_what_was_typed(counter: Counter) -> None:
    counter.host = replace(counter.host, rules=Rules(orders=Allowance(1, timedelta(hours=1))))
    client = counter.connect()
    assert client.post("/order/tiny", data=FORM).status_code == 303
    answer = client.post("/order/tiny", data=FORM | {"name": "another"})
    assert (answer.status_code, "Come again at" in answer.text, 'value="another"' in answer.text) == (422, True, True)


def test_buttons_of_a_task(counter: Counter, client: TestClient) -> None:
    number = counter.order("kiosk")
    counter.succeed(counter.start())
    assert client.post(f"/tasks/{number}/pin").status_code == 303
    assert counter.task(number)["pinned"] is True
    assert "it is kept, whatever else is pruned" in client.get(f"/tasks/{number}").text
    client.post(f"/tasks/{number}/unpin")
    assert counter.task(number)["pinned"] is False
    counter.order("second")
    counter.start()
    assert client.post("/tasks/2/release").status_code == 303
    assert counter.task(2)["stopping"] is True


def test_what_is_rarely_said(counter: Counter, client: TestClient) -> None:
    more = {"iso": "lab.iso", "max_attempts": "2", "time_limit": "600", "soft_limit": "300.5", "ttl": "-1"}
    more |= {"boot_test": "yes"}
    more |= {"without_overlapping": "on", "write_last_exec": "on"}
    assert client.post("/order/tiny", data=FORM | more).status_code == 303
    task = counter.task(1)
    assert {name: str(task[name]) for name in ("iso", "max_attempts", "soft_limit", "ttl")} == {
        "iso": "lab.iso", "max_attempts": "2", "soft_limit": "300.5", "ttl": "-1.0",
    }  # fmt: skip
    assert (task["time_limit"], task["without_overlapping"], task["boot_test"]) == (600, True, True)
    answer = client.post("/order/tiny", data=FORM | more | {"name": "two"})
    assert (answer.status_code, "Task 1 is the same and has not ended" in answer.text) == (422, True)


def test_what_is_wrong_with_that_opens_its_group(client: TestClient) -> None:
    assert "<details open>" not in client.get("/order/tiny").text
    bad = {"iso": "a/b.iso", "max_attempts": "many", "time_limit": "nan", "soft_limit": "99999", "ttl": "-2"}
    for field, given in bad.items():
        answer = client.post("/order/tiny", data=FORM | {field: given})
        assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
        assert re.search(r"<details open>\s*<summary>More", answer.text)
        assert f'value="{given}"' in answer.text


def test_the_usual_queue_is_chosen(counter: Counter) -> None:
    counter.settings = counter.settings.model_copy(update={"queues": ("release", "nightly")})
    assert "<option selected>release</option>" in counter.connect().get("/order/tiny").text


def test_buttons_of_a_schedule(counter: Counter, client: TestClient) -> None:
    counter.desk().add_schedule("nightly", "0 3 * * *", "tiny", {})
    assert client.post("/schedules/nightly/pause", data={"reason": "mirror <down>"}).headers["Location"] == "/schedules"
    page = client.get("/schedules").text
    assert "mirror &lt;down&gt;" in page
    assert re.findall(r'action="/schedules/nightly/(\w+)"', page) == ["resume", "run", "remove"]
    assert client.post("/schedules/nightly/resume").status_code == 303
    assert client.post("/schedules/nightly/resume").status_code == 409
    assert re.findall(r'action="/schedules/nightly/(\w+)"', client.get("/schedules").text)[0] == "pause"
    assert client.post("/schedules/nightly/run").headers["Location"] == "/tasks/1"
    assert counter.task(1)["tags"] == {"schedule": "nightly"}
    assert client.post("/schedules/nightly/remove").status_code == 303
    assert "None yet." in client.get("/schedules").text
    for what in ("pause", "resume", "run", "remove"):
        assert client.post(f"/schedules/nightly/{what}").status_code == 404


def test_a_build_is_given_back_until_later(counter: Counter, client: TestClient) -> None:
    counter.order("kiosk")
    build = counter.start()
    assert client.post("/tasks/1/release", data={"not_before": "soon"}).status_code == 422
    assert counter.task(1)["stopping"] is False
    assert client.post("/tasks/1/release", data={"not_before": "2026-11-22T03:00"}).status_code == 303
    counter.db.write(builds.finish, *build, builds.RELEASED, NOW)
    assert (counter.task(1)["state"], counter.task(1)["not_before"]) == ("pending", "2026-11-22T03:00:00Z")


def test_tags_are_changed(counter: Counter, client: TestClient) -> None:
    """What somebody else added meanwhile stays."""
    counter.order("kiosk", tags={"team": "kde", "draft": "", "who": "a, b"})
    page = client.get("/tasks/1").text
    (had,) = re.findall(r'name="had" value="([^"]*)"', page)
    assert html.unescape(had) == '["draft", "team=kde", "who=a, b"]'
    counter.desk().tag(1, {"meanwhile": ""})
    typed = {"had": html.unescape(had), "tags": "team=xfce, new"}
    assert client.post("/tasks/1/tags", data=typed).headers["Location"] == "/tasks/1"
    assert counter.task(1)["tags"] == {"meanwhile": "", "new": "", "team": "xfce"}
    assert 'value="meanwhile, new, team=xfce"' in client.get("/tasks/1").text
    for wrong in ("Äh=1", "[3]"):
        answer = client.post("/tasks/1/tags", data={"had": "", "tags": wrong})
        assert (answer.status_code, 'id="tags-error"' in answer.text, f'value="{wrong}"' in answer.text) == (
            422, True, True,
        )  # fmt: skip
    assert client.post("/tasks/9/tags", data={"tags": "x"}).status_code == 404


def test_whatever_is_pinned_can_be_unpinned(counter: Counter, client: TestClient) -> None:
    counter.order("kiosk")
    counter.desk().pin(1)
    counter.desk().cancel(1)
    assert 'action="/tasks/1/unpin"' in client.get("/tasks/1").text
    client.post("/tasks/1/unpin")
    assert "pin</button>" not in client.get("/tasks/1").text
