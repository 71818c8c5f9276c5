"""Scenes of tasks that wait for others: dependencies, and the same order again, while those end."""

from orders import HOST, NOW, order_task, succeed

from isobuild.db import Database
from isobuild.domain import tasks, turns
from isobuild.domain.states import AfterFailure, TaskState
from proof.scene import (
    FAILURE,
    HOPELESS,
    OTHER,
    SUCCESS,
    Scene,
    all_of,
    building,
    call,
    ends_as,
    finish,
    none_of,
    one_of,
    order,
)  # fmt: skip
from proof.scenes.keeping import expire
from proof.scenes.people import cancel, remove, retry

SAME = "5a" * 32  # a fingerprint


# dependencies


def order_and_success_of_what_it_needs(database: Database) -> Scene:
    base = building(database, "base")
    return Scene({"order": order("flavour", after=(base.task,)), "finish": finish(base, SUCCESS)}, one_of("order"))


def order_and_failure_of_what_it_needs(database: Database) -> Scene:
    base = building(database, "base")
    return Scene({"order": order("flavour", after=(base.task,)), "finish": finish(base, HOPELESS)})


def order_and_cancel_of_what_it_needs(database: Database) -> Scene:
    base = order_task(database, "base")
    return Scene({"order": order("flavour", after=(base,)), "cancel": cancel(base)})


def order_and_removal_of_what_it_needs(database: Database) -> Scene:
    base = order_task(database, "base")
    return Scene({"order": order("flavour", after=(base,)), "remove": remove(base)}, one_of("order", "remove"))


def order_that_waits_and_removal_of_what_it_needs(database: Database) -> Scene:
    base = order_task(database, "base")
    works = {"order": order("flavour", after=(base,), on_dependency_failure=AfterFailure.WAIT), "remove": remove(base)}
    return Scene(works, one_of("order", "remove"))


def retry_and_removal_of_what_it_needs(database: Database) -> Scene:
    base = order_task(database, "base")
    flavour = order_task(database, "flavour", after=(base,))
    database.write(tasks.cancel, flavour, "ann", NOW)
    return Scene({"retry": retry(flavour), "remove": remove(base)}, all_of(one_of("retry"), none_of("remove")))


def order_and_expiry_of_what_it_needs(database: Database) -> Scene:
    base = building(database, "base")
    succeed(database, base)
    works = {"order": order("flavour", after=(base.task,)), "expire": expire()}
    return Scene(works, one_of("order", "expire"))


def the_last_two_that_it_needs_are_ready(database: Database) -> Scene:
    base, tools = building(database, "base"), building(database, "tools", OTHER)
    flavour = order_task(database, "flavour", after=(base.task, tools.task))
    works = {"base": finish(base, SUCCESS), "tools": finish(tools, SUCCESS)}
    return Scene(works, ends_as(flavour, TaskState.PENDING))


def one_that_it_needs_is_ready_and_one_fails(database: Database) -> Scene:
    base, tools = building(database, "base"), building(database, "tools", OTHER)
    flavour = order_task(database, "flavour", after=(base.task, tools.task))
    works = {"base": finish(base, SUCCESS), "tools": finish(tools, HOPELESS)}
    return Scene(works, ends_as(flavour, TaskState.FAILED))


def both_that_it_needs_fail_and_it_runs_anyway(database: Database) -> Scene:
    base, tools = building(database, "base"), building(database, "tools", OTHER)
    after = (base.task, tools.task)
    flavour = order_task(database, "flavour", after=after, on_dependency_failure=AfterFailure.RUN)
    works = {"base": finish(base, HOPELESS), "tools": finish(tools, HOPELESS)}
    return Scene(works, ends_as(flavour, TaskState.PENDING))


def cancel_and_success_of_what_it_needs(database: Database) -> Scene:
    base = building(database, "base")
    flavour = order_task(database, "flavour", after=(base.task,))
    works = {"cancel": cancel(flavour), "finish": finish(base, SUCCESS)}
    return Scene(works, ends_as(flavour, TaskState.CANCELED))


def retry_and_success_of_what_it_needs(database: Database) -> Scene:
    base = building(database, "base")
    flavour = order_task(database, "flavour", after=(base.task,))
    cancel(flavour)(database)
    works = {"retry": retry(flavour), "finish": finish(base, SUCCESS)}
    return Scene(works, ends_as(flavour, TaskState.PENDING))


def retry_of_both(database: Database) -> Scene:
    base = order_task(database, "base")
    flavour = order_task(database, "flavour", after=(base,), on_dependency_failure=AfterFailure.WAIT)
    cancel(flavour)(database)
    cancel(base)(database)
    works = {"flavour": retry(flavour), "base": retry(base)}
    return Scene(works, all_of(ends_as(base, TaskState.PENDING), ends_as(flavour, TaskState.BLOCKED)))


def a_dependency_ends_twice_over(database: Database) -> Scene:
    base = building(database, "base")
    order_task(database, "flavour", after=(base.task,))
    works = {"success": finish(base, SUCCESS), "failure": finish(base, HOPELESS)}
    return Scene(works, one_of("success", "failure"))


# the same order, the same ISO


def order_of_the_same_and_success(database: Database) -> Scene:
    first = building(database, fingerprint=SAME)
    works = {"order": order("mate", fingerprint=SAME), "finish": finish(first, SUCCESS)}
    return Scene(works, one_of("order"))


def order_of_the_same_and_hopeless_failure(database: Database) -> Scene:
    first = building(database, fingerprint=SAME)
    works = {"order": order("mate", fingerprint=SAME), "finish": finish(first, HOPELESS)}
    return Scene(works, one_of("order"))


def order_of_the_same_and_failure(database: Database) -> Scene:
    first = building(database, fingerprint=SAME, max_attempts=1)
    works = {"order": order("mate", fingerprint=SAME), "finish": finish(first, FAILURE)}
    return Scene(works, one_of("order"))


def order_of_the_same_and_cancel(database: Database) -> Scene:
    first = order_task(database, "tea", fingerprint=SAME)
    works = {"order": order("mate", fingerprint=SAME), "cancel": cancel(first)}
    return Scene(works, all_of(one_of("order"), ends_as(first, TaskState.CANCELED)))


def order_of_the_same_and_removal(database: Database) -> Scene:
    first = order_task(database, "tea", fingerprint=SAME)
    works = {"order": order("mate", fingerprint=SAME), "remove": remove(first)}
    return Scene(works, one_of("order"))


def order_of_the_same_and_enqueue(database: Database) -> Scene:
    order_task(database, "tea", fingerprint=SAME, queue="low")
    works = {"order": order("mate", fingerprint=SAME, queue="high"), "enqueue": call(turns.enqueue, HOST, NOW)}
    return Scene(works, one_of("order"))


def order_of_the_same_and_expiry(database: Database) -> Scene:
    first = building(database, fingerprint=SAME)
    succeed(database, first)
    works = {"order": order("mate", fingerprint=SAME), "expire": expire()}
    return Scene(works, one_of("order"))


def cancel_of_the_first_and_of_the_second_of_three(database: Database) -> Scene:
    first, second, third = (order_task(database, name, fingerprint=SAME) for name in ("tea", "mate", "chai"))
    works = {"first": cancel(first), "second": cancel(second)}
    canceled = [ends_as(task, TaskState.CANCELED) for task in (first, second)]
    return Scene(works, all_of(*canceled, ends_as(third, TaskState.PENDING)))


def success_of_the_first_and_cancel_of_the_second(database: Database) -> Scene:
    first = building(database, fingerprint=SAME)
    second = order_task(database, "mate", fingerprint=SAME)
    works = {"finish": finish(first, SUCCESS), "cancel": cancel(second)}
    return Scene(works, ends_as(first.task, TaskState.READY))
