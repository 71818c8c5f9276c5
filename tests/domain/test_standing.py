"""Each waiting task knows why it waits, in a sentence."""

from dataclasses import replace
from datetime import timedelta

from orders import HOST, MINUTE, NOW, FakeLauncher, fail, order_task, run_tick, start_build, succeed
from sqlalchemy import insert

from isobuild.db import Database
from isobuild.domain import batch, limits, queues, standing, tasks, turns
from isobuild.domain.batch import Ordered
from isobuild.domain.hosts import Host
from isobuild.domain.orders import Order
from isobuild.domain.rules import Allowance, Rules
from isobuild.domain.states import AfterFailure, Cause
from isobuild.domain.tables import Bucket


def why(database: Database, number: int, host: Host = HOST) -> str | None:
    with database.read() as session:
        found = standing.of(session, [number], host, NOW).get(number)
    return found.why if found else None


def past(database: Database) -> None:
    order_task(database, "past", NOW - 10 * MINUTE)
    succeed(database, start_build(database, NOW - 10 * MINUTE), NOW - 7 * MINUTE)


def test_its_place_and_what_the_host_is_at(database: Database) -> None:
    """S1.44: which one is next can be foreseen."""
    past(database)
    order_task(database, "one")
    numbers = [order_task(database, f"os{number}", NOW + number * MINUTE) for number in range(3)]
    run_tick(database, FakeLauncher(database), NOW)
    assert [why(database, number) for number in numbers] == [
        "it is the next; oven is building task 2, about 3 min left",
        "1 build before it; oven is building task 2, about 3 min left",
        "2 builds before it; oven is building task 2, about 3 min left",
    ]
    assert why(database, 2) is None


def test_what_it_waits_for(database: Database) -> None:
    base = order_task(database, "base")
    flavour = order_task(database, "flavour", after=[base], on_dependency_failure=AfterFailure.WAIT)
    assert why(database, flavour) == "it waits for task 1 (base)"
    fail(database, start_build(database), NOW, Cause.REQUEST)
    assert why(database, flavour) == "it waits for task 1 (base), which is failed"


def test_what_waits_for_others_is_expected_after_them(database: Database) -> None:
    past(database)  # three minutes
    base = order_task(database, "base")
    flavour = order_task(database, "flavour", after=[base])
    last = order_task(database, "last", after=[flavour])
    stray = order_task(database, "stray", after=[order_task(database, "held", queue="low")])
    database.write(queues.pause, "low", "mirror down", HOST.queues, "ann", NOW)
    with database.read() as session:
        found = standing.of(session, [base, flavour, last, stray], HOST, NOW)
    etas = [(eta.likely - NOW) / MINUTE if (eta := found[number].eta) else None for number in found]
    assert etas == [3, 6, 9, None]


def test_long_rows_of_tasks_are_foretold_as_far_as_that_means_anything(database: Database) -> None:
    row = [Order(user="ann", name=f"row{number}", recipe="tiny") for number in range(400)]
    wishes = [Ordered(wish, (row[place - 1].name,) if place else ()) for place, wish in enumerate(row)]
    database.write(batch.order_all, wishes, HOST.queues, Rules(), NOW)
    assert look(database, 400)[399].why == "it waits for task 399 (row398)"
    past(database)
    etas = [stand.eta for stand in look(database, 90)]
    assert [(eta.likely - NOW) / MINUTE for eta in (etas[0], etas[1], etas[89]) if eta] == [3, 6, 270]
    with database.read() as session:
        assert standing.of(session, [400], HOST, NOW)[400].eta is None


def test_each_of_a_net_of_tasks_is_looked_at_once(database: Database) -> None:
    layer = [order_task(database, f"net0-{side}") for side in (0, 1)]
    for depth in range(1, 40):
        layer = [order_task(database, f"net{depth}-{side}", after=layer) for side in (0, 1)]
    assert look(database, 80)[79].eta is None
    past(database)
    last = look(database, 80)[79].eta
    assert last
    assert (last.likely - NOW) / MINUTE == 2 * 3 + 39 * 3


def look(database: Database, count: int) -> list[standing.Standing]:
    with database.read() as session:
        found = standing.of(session, range(1, count + 1), HOST, NOW)
    return [found[number] for number in sorted(found)]


def test_a_sleeping_task_in_a_paused_queue_says_both(database: Database) -> None:
    later = order_task(database, "later", not_before=NOW + MINUTE)
    database.write(queues.pause, "default", "mirror down", HOST.queues, "ann", NOW)
    assert why(database, later) == "it is wanted from 2026-11-21 07:01:00 UTC on; queue default is paused: mirror down"


def test_whom_it_follows(database: Database) -> None:
    order_task(database, "one", fingerprint="5a" * 32)
    second = order_task(database, "two", fingerprint="5a" * 32)
    assert why(database, second) == "it is the same as task 1, and will have its ISO"


def test_when_it_wakes(database: Database) -> None:
    later = order_task(database, "later", not_before=NOW + MINUTE)
    assert why(database, later) == "it is wanted from 2026-11-21 07:01:00 UTC on"
    order_task(database, "again", retry_delay=60)
    fail(database, start_build(database), NOW)
    assert (why(database, 2) or "").startswith("attempt 2 of 5 comes at 2026-11-21 07:0")


def test_its_time_has_come_and_no_tick_yet(database: Database) -> None:
    order_task(database, "later", not_before=NOW + MINUTE)
    with database.read() as session:
        found = standing.of(session, [1], HOST, NOW + MINUTE)[1]
    assert (found.why, found.before) == ("its time has come: the next tick takes it up", None)


def test_a_paused_queue(database: Database) -> None:
    number = order_task(database, "tea", queue="low")
    database.write(queues.pause, "low", "mirror down", HOST.queues, "ann", NOW)
    assert why(database, number) == "queue low is paused: mirror down"


def test_a_queue_that_nobody_serves_here(database: Database) -> None:
    """S4.C1: what can't start says why."""
    number = order_task(database, "tea", queue="low")
    assert why(database, number, replace(HOST, queues=("high",))) == "this host does not build what is in queue low"


def test_a_recipe_that_has_its_builds(database: Database) -> None:
    limited = Host("oven", slots=2, rules=Rules(recipe_limits={"tiny": 1}))
    order_task(database, "one")
    second = order_task(database, "two", NOW + MINUTE)
    assert database.write(turns.enqueue, limited, NOW) == 1
    assert why(database, second, limited) == "1 of recipe tiny at a time, and there are as many"


def test_an_empty_bucket(database: Database) -> None:
    rules = Rules(buckets={"mirror": Allowance(1, timedelta(hours=1))}, draws={"tiny": "mirror"})
    dry = Host("oven", slots=2, rules=rules)
    order_task(database, "one")
    second = order_task(database, "two", NOW + MINUTE)
    assert database.write(turns.enqueue, dry, NOW) == 1
    assert why(database, second, dry) == "bucket mirror is empty, and has the next token at 08:00:01 UTC"


def test_a_token_is_there_by_one_rule_for_whoever_looks(database: Database) -> None:
    """What dividing and multiplying have lost of it holds nobody back, and is nobody's reason to wait."""
    rules = Rules(buckets={"mirror": Allowance(1, timedelta(hours=1))}, draws={"tiny": "mirror"})
    almost = Host("oven", rules=rules)
    order_task(database, "one")
    with database.writer.begin() as connection:
        connection.execute(insert(Bucket).values(name="mirror", tokens=1 - limits.HAIR / 2, at=NOW))
    assert why(database, 1, almost) == "it is the next"
    assert database.write(turns.enqueue, almost, NOW) == 1


def test_the_ended_do_not_wait(database: Database) -> None:
    number = order_task(database, "tea")
    database.write(tasks.cancel, number, "ann", NOW)
    assert why(database, number) is None


def test_words() -> None:
    spans = [timedelta(seconds=count) for count in (0, 40, 99, 100, 3600, 5999, 6000, 86400)]
    assert [standing.words(span) for span in spans] == [
        "1 s", "40 s", "99 s", "2 min", "60 min", "100 min", "2 h", "24 h"
    ]  # fmt: skip
