"""The key of an order: its recipe and options, however they came."""

import json
import re

from isobuild.domain.keys import key

OPTIONS = {"hostname": "tea", "packages": ["htop", "nano"], "recommends": False, "title": "Teh ☕", "suite": None}


def test_a_key_is_a_sha_256() -> None:
    assert re.fullmatch("[0-9a-f]{64}", key("tiny", OPTIONS))


def test_the_same_order_has_the_same_key() -> None:
    """S3.12: one key for one description, however it is written."""
    assert key("tiny", OPTIONS) == key("tiny", dict(reversed(OPTIONS.items())))
    assert key("tiny", OPTIONS) == key("tiny", json.loads(json.dumps(OPTIONS)))


def test_a_key_outlives_the_process() -> None:
    """It stands in the database: whoever changes how it is made leaves open tasks without their key."""
    assert key("tiny", {"b": ["é"], "a": 1}) == "2a9c9d119301c8967a7b4e77823bb29ef9137e6e5a7974bec7cdc0a19a5d07c8"


def test_another_recipe_option_or_order_of_a_list_is_another_key() -> None:
    others = [{**OPTIONS, "hostname": "coffee"}, {**OPTIONS, "packages": ["nano", "htop"]}, {}]
    keys = [key("tiny", OPTIONS), key("debian-live", OPTIONS), *(key("tiny", other) for other in others)]
    assert len(set(keys)) == len(keys)
