"""Scenes of what goes by itself: schedules that fire, what is kept no longer, orders that come too late."""

from datetime import timedelta

from orders import HOST, MINUTE, NOW, fail, order_task, start_build, succeed

from isobuild.db import Database
from isobuild.domain import firing, forgetting, line, pruning, schedules, tasks, turns
from isobuild.domain.history import By
from isobuild.domain.orders import Order
from isobuild.domain.states import AfterFailure
from proof.actors import Work
from proof.scene import OTHER, Scene, building, call, one_of, order
from proof.scenes.people import remove, retry

DAY = timedelta(days=1)


def fire_and_fire(database: Database) -> Scene:
    number = schedule(database)
    works = {host.name: call(firing.fire, number, host, NOW + DAY) for host in (HOST, OTHER)}
    return Scene(works, one_of(HOST.name, OTHER.name))


def fire_and_removal_of_the_schedule(database: Database) -> Scene:
    works = {
        "fire": call(firing.fire, schedule(database), HOST, NOW + DAY),
        "remove": call(schedules.remove, "nightly"),
    }
    return Scene(works)


def drop_and_enqueue(database: Database) -> Scene:
    order_task(database, "tea", not_after=NOW + MINUTE)
    works = {"drop": call(line.drop_late, By("tick", NOW + MINUTE)), "enqueue": call(turns.enqueue, HOST, NOW + MINUTE)}
    return Scene(works, one_of("drop", "enqueue"))


def expire_and_expire(database: Database) -> Scene:
    succeed(database, building(database))
    return Scene({name: expire() for name in ("first", "second")}, one_of("first", "second"))


def expire_and_pin(database: Database) -> Scene:
    held = building(database)
    succeed(database, held)
    return Scene({"expire": expire(), "pin": call(tasks.pin, held.task, True)})


def expire_and_remove(database: Database) -> Scene:
    held = building(database)
    succeed(database, held)
    return Scene({"expire": expire(), "remove": remove(held.task)}, one_of("remove"))


def forget_and_retry(database: Database) -> Scene:
    order_task(database, "tea", max_attempts=1)
    failed = start_build(database)
    fail(database, failed)
    return Scene({"forget": forget(), "retry": retry(failed.task)}, one_of("forget", "retry"))


def forget_and_order_that_needs_it(database: Database) -> Scene:
    order_task(database, "base", max_attempts=1)
    failed = start_build(database)
    fail(database, failed)
    needs = order("flavour", after=(failed.task,), on_dependency_failure=AfterFailure.RUN)
    return Scene({"forget": forget(), "order": needs})


def schedule(database: Database) -> int:
    """One that is due; its number."""
    wish = Order(user="diky", name="nightly", recipe="tiny")
    database.write(schedules.add, "nightly", "0 3 * * *", "UTC", 7 * 86400.0, wish, HOST.queues, NOW)
    with database.read() as session:
        return schedules.get(session, "nightly").id


def expire() -> Work:
    return lambda database: len(database.write(pruning.expire, NOW + MINUTE, By("tick", NOW + MINUTE)))


def forget() -> Work:
    return lambda database: len(database.write(forgetting.forget, NOW + MINUTE, By("tick", NOW + MINUTE)).tasks)
