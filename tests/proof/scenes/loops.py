"""Scenes of loops, and of people who build out of turn: they take builds without a launch."""

import os
from dataclasses import replace

from orders import HOST, MINUTE, NOW, order_task

from isobuild.db import Database
from isobuild.domain import reaping, runners, taking, turns
from proof.actors import Work
from proof.scene import LATER, OTHER, Scene, call, enqueued, launch, one_of
from proof.scenes.people import cancel

WIDE = replace(HOST, slots=2)


def sit_down_and_sit_down(database: Database) -> Scene:
    works = {name: call(runners.sit_down, os.getpid(), HOST, NOW) for name in ("first", "second")}
    return Scene(works, one_of("first", "second"))


def take_and_take(database: Database) -> Scene:
    order_task(database, "tea")
    works = {name: take(loop(database)) for name in ("first", "second")}
    return Scene(works, one_of("first", "second"), {HOST.name: WIDE.slots})


def take_and_enqueue_on_another_host(database: Database) -> Scene:
    order_task(database, "tea")
    works = {"take": take(loop(database)), "enqueue": call(turns.enqueue, OTHER, NOW)}
    return Scene(works, one_of("take", "enqueue"), {HOST.name: WIDE.slots, OTHER.name: 1})


def take_and_launch(database: Database) -> Scene:
    _task, build = enqueued(database)
    return Scene({"take": take(loop(database)), "launch": launch(build)}, one_of("take", "launch"))


def take_and_cancel(database: Database) -> Scene:
    task = order_task(database, "tea")
    return Scene({"take": take(loop(database)), "cancel": cancel(task)}, one_of("cancel"))


def take_and_reap_of_the_loop(database: Database) -> Scene:
    order_task(database, "tea")
    works = {"take": take(loop(database)), "reap": call(reaping.reap, OTHER, LATER)}
    return Scene(works)


def heartbeat_of_a_loop_and_reap(database: Database) -> Scene:
    order_task(database, "tea")
    me = loop(database)
    held = database.write(taking.take, me, WIDE, None, 0, NOW)
    assert held
    works = {
        "beat": call(runners.beat, me, HOST, 0, NOW + MINUTE),
        "reap": lambda database: bool(database.write(reaping.reap, OTHER, LATER)),
    }
    return Scene(works, one_of("beat", "reap"))


def two_people_out_of_turn(database: Database) -> Scene:
    order_task(database, "tea")
    works = {name: call(taking.take_ahead, "tiny", WIDE, name, NOW) for name in ("ann", "bob")}
    return Scene(works, one_of("ann", "bob"), {HOST.name: WIDE.slots})


def out_of_turn_and_enqueue(database: Database) -> Scene:
    order_task(database, "tea")
    works = {"ann": call(taking.take_ahead, "tiny", HOST, "ann", NOW), "enqueue": call(turns.enqueue, HOST, NOW)}
    return Scene(works, one_of("ann", "enqueue"))


def loop(database: Database) -> int:
    """A loop of its own; its number."""
    return database.write(runners.sit_down, os.getpid(), WIDE, NOW)


def take(me: int) -> Work:
    return lambda database: database.write(taking.take, me, WIDE, None, 0, NOW) is not None
