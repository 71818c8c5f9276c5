"""Scenes of orders: what there may be only once, or only so much of."""

from datetime import timedelta

from orders import HOST, NOW, order_task

from isobuild.db import Database
from isobuild.domain import turns
from isobuild.domain.hosts import Host
from isobuild.domain.rules import Allowance, Rules
from proof.scene import OTHER, Check, Scene, all_of, call, one_of, order

HOUR = timedelta(hours=1)
ONE = one_of(HOST.name, OTHER.name)


def the_first_two_orders_of_a_user(database: Database) -> Scene:
    return Scene({"tea": order("tea"), "mate": order("mate")}, all_of(one_of("tea"), one_of("mate")))


def two_orders_of_one_name(database: Database) -> Scene:
    order_task(database, "chai")
    return Scene({"first": order("tea"), "second": order("tea")}, one_of("first", "second"))


def two_orders_that_allow_no_other(database: Database) -> Scene:
    order_task(database, "chai", options={"size": 1})
    works = {name: order(name, without_overlapping=True) for name in ("tea", "mate")}
    return Scene(works, one_of("tea", "mate"))


def two_orders_and_room_for_one(database: Database) -> Scene:
    order_task(database, "chai")
    rules = Rules(orders=Allowance(depth=1, period=HOUR))
    return Scene({name: order(name, rules) for name in ("tea", "mate")}, one_of("tea", "mate"))


def two_hosts_and_one_place_for_the_recipe(database: Database) -> Scene:
    return _two_hosts(database, Rules(recipe_limits={"tiny": 1}))


def two_hosts_and_one_token_for_the_recipe(database: Database) -> Scene:
    return _two_hosts(database, Rules(buckets={"mirror": Allowance(1, HOUR)}, draws={"tiny": "mirror"}))


def two_hosts_that_are_fair(database: Database) -> Scene:
    return _two_hosts(database, Rules(fair=True), all_of(one_of(HOST.name), one_of(OTHER.name)))


def _two_hosts(database: Database, rules: Rules, just: Check = ONE) -> Scene:
    for name in ("tea", "mate"):
        order_task(database, name)
    hosts = (Host(name, rules=rules) for name in (HOST.name, OTHER.name))
    return Scene({host.name: call(turns.enqueue, host, NOW) for host in hosts}, just)
