"""Scenes of people: cancel, release, retry, remove, while their tasks are enqueued, launched, built and reaped."""

from typing import Any

from orders import HOST, MINUTE, NOW, fail, order_task, start_build

from isobuild.db import Database
from isobuild.domain import builds, reaping, tasks, turns
from isobuild.domain.states import Cause, TaskState
from proof.actors import Work
from proof.invariants import World
from proof.scene import (
    FAILURE,
    LATER,
    OTHER,
    SUCCESS,
    Check,
    Outcomes,
    Scene,
    accepted,
    all_of,
    building,
    call,
    claim,
    ends_as,
    enqueued,
    finish,
    flagged,
    launch,
    one_of,
    order,
)  # fmt: skip


def cancel(task: int) -> Work:
    return call(tasks.cancel, task, "ann", NOW)


def release(task: int) -> Work:
    return call(tasks.release, task, None, "ann", NOW)


def retry(task: int) -> Work:
    return call(tasks.retry, task, "ann", NOW)


def remove(task: int) -> Work:
    return call(tasks.remove, task, "ann", NOW)


def _failed(database: Database, **wish: Any) -> int:
    task = order_task(database, "tea", **wish)
    fail(database, start_build(database), cause=Cause.REQUEST)
    return task


def is_obeyed(task: int, stop: str) -> Check:
    """The call was accepted, and either the task came to that at once, or its runner is asked for it."""
    state = {"cancel": TaskState.CANCELED, "release": TaskState.PENDING}[stop]

    def just(outcomes: Outcomes, world: World) -> str | None:
        asked = [build.stop for build in world.open if build.task_id == task]
        obeyed = asked == [stop] if asked else world.tasks[task].state is state
        return None if obeyed and accepted(outcomes[stop]) else f"task {task} was not to {stop}"

    return just


def is_gone(task: int, remove: str) -> Check:
    """If the removal was accepted, nothing is left."""

    def just(outcomes: Outcomes, world: World) -> str | None:
        left = task in world.tasks or world.builds[task]
        return "it was removed, and something is left" if left and accepted(outcomes[remove]) else None

    return just


def cancel_and_enqueue(database: Database) -> Scene:
    task = order_task(database, "tea")
    works = {"cancel": cancel(task), "enqueue": call(turns.enqueue, HOST, NOW)}
    return Scene(works, ends_as(task, TaskState.CANCELED))


def cancel_and_launch(database: Database) -> Scene:
    task, build = enqueued(database)
    return Scene({"cancel": cancel(task), "launch": launch(build)}, is_obeyed(task, "cancel"))


def cancel_and_claim(database: Database) -> Scene:
    flag = flagged(database)
    works = {"cancel": cancel(flag.task), "claim": claim(flag)}
    return Scene(works, is_obeyed(flag.task, "cancel"))


def cancel_and_failure(database: Database) -> Scene:
    held = building(database)
    works = {"cancel": cancel(held.task), "finish": finish(held, FAILURE)}
    return Scene(works, ends_as(held.task, TaskState.CANCELED))


def cancel_and_success(database: Database) -> Scene:
    held = building(database)
    works = {"cancel": cancel(held.task), "finish": finish(held, SUCCESS)}
    return Scene(works, ends_as(held.task, TaskState.READY))


def cancel_and_reap(database: Database) -> Scene:
    held = building(database)
    works = {"cancel": cancel(held.task), "reap": call(reaping.reap, OTHER, LATER)}
    return Scene(works, ends_as(held.task, TaskState.CANCELED))


def cancel_and_cancel(database: Database) -> Scene:
    task = order_task(database, "tea")
    works = {name: cancel(task) for name in ("ann", "bob")}
    return Scene(works, all_of(one_of("ann", "bob"), ends_as(task, TaskState.CANCELED)))


def cancel_and_cancel_before_the_launch(database: Database) -> Scene:
    task, _build = enqueued(database)
    works = {name: cancel(task) for name in ("ann", "bob")}
    return Scene(works, all_of(one_of("ann", "bob"), ends_as(task, TaskState.CANCELED)))


def release_and_launch(database: Database) -> Scene:
    task, build = enqueued(database)
    return Scene({"release": release(task), "launch": launch(build)}, is_obeyed(task, "release"))


def release_and_failure(database: Database) -> Scene:
    held = building(database)
    works = {"release": release(held.task), "finish": finish(held, FAILURE)}
    return Scene(works, ends_as(held.task, TaskState.PENDING))


def release_and_cancel(database: Database) -> Scene:
    held = building(database)
    works = {"release": release(held.task), "cancel": cancel(held.task)}
    return Scene(works, is_obeyed(held.task, "cancel"))


def release_and_release_before_the_launch(database: Database) -> Scene:
    task, _build = enqueued(database)
    works = {name: release(task) for name in ("ann", "bob")}
    return Scene(works, all_of(one_of("ann", "bob"), ends_as(task, TaskState.PENDING)))


def retry_and_retry(database: Database) -> Scene:
    task = _failed(database)
    works = {name: retry(task) for name in ("ann", "bob")}
    return Scene(works, all_of(one_of("ann", "bob"), ends_as(task, TaskState.PENDING)))


def retry_and_enqueue(database: Database) -> Scene:
    return Scene({"retry": retry(_failed(database)), "enqueue": call(turns.enqueue, HOST, NOW)})


def retry_and_remove(database: Database) -> Scene:
    task = _failed(database)
    return Scene({"retry": retry(task), "remove": remove(task)}, is_gone(task, "remove"))


def retry_and_an_order_that_allows_no_other(database: Database) -> Scene:
    task = _failed(database, without_overlapping=True)
    works = {"retry": retry(task), "order": order("mate", without_overlapping=True)}
    return Scene(works, one_of("retry", "order"))


def remove_and_enqueue(database: Database) -> Scene:
    task = order_task(database, "tea")
    works = {"remove": remove(task), "enqueue": call(turns.enqueue, HOST, NOW)}
    return Scene(works, is_gone(task, "remove"))


def remove_and_success(database: Database) -> Scene:
    held = building(database)
    works = {"remove": remove(held.task), "finish": finish(held, SUCCESS)}
    return Scene(works, is_gone(held.task, "remove"))


def heartbeat_finish_and_cancel(database: Database) -> Scene:
    held = building(database)
    beat = call(builds.heartbeat, held.build, held.token, HOST, NOW + MINUTE)
    works = {"heartbeat": beat, "finish": finish(held, FAILURE), "cancel": cancel(held.task)}
    return Scene(works, ends_as(held.task, TaskState.CANCELED))


def enqueue_launch_and_cancel(database: Database) -> Scene:
    task, build = enqueued(database)
    works = {"launch": launch(build), "cancel": cancel(task), "enqueue": call(turns.enqueue, HOST, NOW)}
    order_task(database, "mate")
    return Scene(works, is_obeyed(task, "cancel"))
