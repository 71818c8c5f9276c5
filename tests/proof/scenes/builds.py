"""Scenes of builds: enqueue, launch, claim, heartbeat, finish, reap."""

import os

from orders import HOST, MINUTE, NOW, Launch, order_task, start_build
from orders import claim as take

from isobuild.db import Database
from isobuild.domain import builds, reaping, turns
from proof.actors import Work
from proof.scene import (
    FAILURE,
    LATER,
    NOBODY,
    OTHER,
    SUCCESS,
    Scene,
    all_of,
    building,
    call,
    claim,
    enqueued,
    finish,
    flagged,
    launch,
    none_of,
    one_of,
)


def _beat(held: Launch) -> Work:
    return call(builds.heartbeat, held.build, held.token, HOST, NOW + MINUTE)


def enqueue_and_enqueue_on_another_host(database: Database) -> Scene:
    order_task(database, "tea")
    works = {"oven": call(turns.enqueue, HOST, NOW), "stove": call(turns.enqueue, OTHER, NOW)}
    return Scene(works, one_of("oven", "stove"))


def enqueue_and_enqueue_on_one_host(database: Database) -> Scene:
    for name in ("tea", "mate"):
        order_task(database, name)
    works = {name: call(turns.enqueue, HOST, NOW) for name in ("first", "second")}
    return Scene(works, one_of("first", "second"))


def launch_and_launch(database: Database) -> Scene:
    _task, build = enqueued(database)
    return Scene({"first": launch(build), "second": launch(build)}, one_of("first", "second"))


def claim_and_claim(database: Database) -> Scene:
    flag = flagged(database)
    works = {name: claim(flag) for name in ("first", "second")}
    return Scene(works, one_of("first", "second"))


def claim_and_reap(database: Database) -> Scene:
    flag = flagged(database)
    works = {"claim": claim(flag, LATER), "reap": call(reaping.reap, HOST, LATER)}
    return Scene(works, one_of("claim", "reap"))


def heartbeat_and_reap(database: Database) -> Scene:
    held = building(database)
    works = {"heartbeat": _beat(held), "reap": call(reaping.reap, OTHER, LATER)}
    return Scene(works, one_of("heartbeat", "reap"))


def finish_and_reap(database: Database) -> Scene:
    held = building(database)
    works = {"finish": finish(held, SUCCESS), "reap": call(reaping.reap, OTHER, LATER)}
    return Scene(works, one_of("finish", "reap"))


def failure_and_reap_of_a_dead_process(database: Database) -> Scene:
    held = flagged(database)
    take(database, held, NOBODY)
    works = {"finish": finish(held, FAILURE), "reap": call(reaping.reap, HOST, NOW)}
    return Scene(works, one_of("finish", "reap"))


def reap_and_reap(database: Database) -> Scene:
    building(database)
    works = {name: call(reaping.reap, OTHER, LATER) for name in ("first", "second")}
    return Scene(works, one_of("first", "second"))


def finish_and_finish(database: Database) -> Scene:
    held = building(database)
    works = {"success": finish(held, SUCCESS), "failure": finish(held, FAILURE)}
    return Scene(works, one_of("success", "failure"))


def finish_and_finish_again(database: Database) -> Scene:
    held = building(database)
    works = {name: finish(held, SUCCESS) for name in ("first", "second")}
    return Scene(works, one_of("first", "second"))


def finish_and_finish_with_a_wrong_token(database: Database) -> Scene:
    held = building(database)
    works = {"right": finish(held, SUCCESS), "wrong": finish(held, FAILURE, token="0" * 32)}
    return Scene(works, all_of(none_of("wrong"), one_of("right")))


def heartbeat_and_finish(database: Database) -> Scene:
    held = building(database)
    return Scene({"heartbeat": _beat(held), "finish": finish(held, SUCCESS)}, one_of("finish"))


def take_back_and_launch(database: Database) -> Scene:
    _task, build = enqueued(database)
    works = {"launch": launch(build, HOST, LATER), "reap": call(reaping.reap, OTHER, LATER)}
    return Scene(works, one_of("launch", "reap"))


def finish_reap_and_enqueue(database: Database) -> Scene:
    order_task(database, "tea", retry_delay=0)
    held = start_build(database)
    take(database, held, os.getpid())
    order_task(database, "mate")
    works = {
        "finish": finish(held, SUCCESS),
        "reap": call(reaping.reap, OTHER, LATER),
        "enqueue": call(turns.enqueue, HOST, LATER),
    }
    return Scene(works, one_of("finish", "reap"))
