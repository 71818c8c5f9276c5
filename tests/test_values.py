"""Settings that are tables and paces: what is wrong in them is named, and they become the host's rules."""

from datetime import timedelta
from pathlib import Path

import pytest
from test_config import refused, write

from isobuild.config import load
from isobuild.domain.rules import Allowance, Rules
from isobuild.site import host

NESTED: dict[str, tuple[str, str]] = {  # as in the file; the field, what was given, and a word of what is allowed
    "recipe_limits = {tiny = 0}": ("recipe_limits.tiny: 0", "greater than or equal to 1"),
    "recipe_limits = {tiny = 'two'}": ("recipe_limits.tiny: 'two'", "valid integer"),
    "recipe_limits = {'a b' = 1}": ("recipe_limits.a b.[key]: 'a b'", "pattern"),
    "recipe_limits = 3": ("recipe_limits: 3", "valid dictionary"),
    "queues = ['high', 'a b']": ("queues.1: 'a b'", "pattern"),
    f"queues = ['{'x' * 33}']": (f"queues.0: '{'x' * 33}'", "pattern"),
    "orders_per_user = 20": ("orders_per_user: 20", "such as '20 per day'"),
    "buckets = {mirror = 10}": ("buckets.mirror: 10", "such as '20 per day'"),
    "buckets = {'orders of ann' = '1 per day'}": ("buckets.orders of ann.[key]: 'orders of ann'", "pattern"),
    "draws = {tiny = 'mirror'}": ("draws.tiny: 'mirror'", "one of the buckets: there is none"),
    "draws = {tiny = 'miror'}\nbuckets = {mirror = '1 per day', cpu = '9 per day'}": (
        "draws.tiny: 'miror'",
        "one of the buckets: mirror, cpu",
    ),
}


@pytest.mark.parametrize("text", NESTED)
def test_what_is_wrong_within_a_table_is_named_with_the_table(home: Path, text: str) -> None:
    file = write(home, f"{text}\n")
    said, allowed = NESTED[text]
    assert refused() == f"Setting {said} is not allowed: {refused().partition('allowed: ')[2]}"
    assert allowed in refused()
    assert refused().endswith(f"It comes from {file}.")


def test_what_is_wrong_within_a_variable_is_named_with_that(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBUILD_DRAWS", "tiny=mirror")
    assert refused().startswith("Setting draws.tiny: 'mirror' is not allowed: one of the buckets")
    assert refused().endswith("It comes from the environment (ISOBUILD_DRAWS).")
    assert refused(draws="tiny=cpu").endswith("It comes from the command line.")


def test_the_settings_become_the_hosts_rules(home: Path) -> None:
    settings = load(
        fair=True, recipe_limits="debian-live=2", orders_per_user="3 per 10 minutes",
        buckets="mirror=10 per hour", draws="debian-live=mirror",
    )  # fmt: skip
    assert host(settings).rules == Rules(
        fair=True,
        recipe_limits={"debian-live": 2},
        orders=Allowance(3, timedelta(minutes=10)),
        buckets={"mirror": Allowance(10, timedelta(hours=1))},
        draws={"debian-live": "mirror"},
    )
    assert host(load()).rules == Rules()


@pytest.mark.parametrize(
    ("allowance", "words"),
    [
        (Allowance(20, timedelta(days=1)), "20 per day"),
        (Allowance(3, timedelta(minutes=10)), "3 per 10 minutes"),
        (Allowance(1, timedelta(weeks=1)), "1 per week"),
        (Allowance(5, timedelta(seconds=90)), "5 per 90 seconds"),
        (Allowance(0.5, timedelta(seconds=1.5)), "0.5 per 1.5 seconds"),
    ],
)
def test_an_allowance_in_words(allowance: Allowance, words: str) -> None:
    assert str(allowance) == words
