"""What is told of boots, and who has the proof of which ISO."""

from typing import Any

import pytest
from orders import MINUTE, NOW, order_task, start_build, task_row

from isobuild.db import Database
from isobuild.domain import builds, listing, proofs, tasks
from isobuild.domain.builds import End
from isobuild.domain.states import BuildState
from isobuild.store.local import Stored

UP = {"reached": True, "seconds": 12.1, "accel": "tcg", "where": None}
FAST = UP | {"seconds": 4.0, "accel": "kvm"}
DOWN = {"reached": False, "seconds": 60.0, "accel": "kvm", "where": "the kernel panicked; its last line: Oops"}
UNTRIED = {"reached": None, "seconds": None, "accel": None, "where": "package ovmf is not installed"}
SAME = "5a" * 32


@pytest.mark.parametrize(
    ("proof", "verified", "mark"),
    [
        (None, None, ""),
        ({}, None, ""),
        ({"bios": UP, "uefi": FAST}, True, "verified"),
        ({"bios": UP, "uefi": UNTRIED}, True, "verified"),
        ({"bios": UP, "uefi": DOWN}, False, "not verified"),
        ({"bios": UNTRIED, "uefi": DOWN}, False, "not verified"),
        ({"bios": UNTRIED, "uefi": UNTRIED}, None, "not tested"),
    ],
)
def test_an_iso_is_verified_if_it_came_up_wherever_it_was_tried(proof: Any, verified: bool | None, mark: str) -> None:
    assert (proofs.verified(proof), proofs.mark(proof)) == (verified, mark)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (UP, "up after 12.1 s (without KVM: a real machine is many times faster)"),
        (FAST, "up after 4 s"),
        (DOWN, "not up after 60 s: the kernel panicked; its last line: Oops"),
        (UNTRIED, "not tested: package ovmf is not installed"),
    ],
)
def test_each_firmware_in_words(facts: dict[str, Any], words: str) -> None:
    assert proofs.words(facts) == words


def make(database: Database, name: str, proof: dict[str, Any] | None, **wish: Any) -> int:
    """A ready task whose build was proved so."""
    number = order_task(database, name, **wish)
    launch = start_build(database, NOW)
    files = {kind: Stored(f"{name}.{kind}", 3, "ab" * 32) for kind in ("iso", "boot-bios")}
    end = End(state=BuildState.SUCCEEDED, files=files, proof=proof)
    database.write(builds.finish, launch.build, launch.token, end, NOW + MINUTE)
    return number


def shown(database: Database, number: int) -> dict[str, Any]:
    with database.read() as session:
        return listing.show_task(session, number)


def test_a_task_tells_of_its_proof(database: Database) -> None:
    make(database, "one", {"bios": UP, "uefi": DOWN})
    task = shown(database, 1)
    assert (task["verified"], task["proof"]) == (False, {"bios": UP, "uefi": DOWN})
    with database.read() as session:
        assert listing.list_builds(session)[0]["proof"] == task["proof"]


def test_who_shares_an_iso_has_its_proof_even_when_its_builder_is_gone(database: Database) -> None:
    make(database, "one", {"bios": UP}, fingerprint=SAME)
    two = order_task(database, "two", fingerprint=SAME, boot_test=True)
    database.write(tasks.remove, 1, "ann", NOW)
    task = shown(database, two)
    assert (task["state"], task["verified"], task["proof"]) == ("ready", True, {"bios": UP})
    assert [file["name"] for file in task["files"]] == ["two.iso", "two.boot-bios"]


@pytest.mark.parametrize("proof", [None, {"bios": UNTRIED}])
def test_who_wants_a_proof_is_not_answered_without_one(database: Database, proof: dict[str, Any] | None) -> None:
    make(database, "one", proof, fingerprint=SAME)
    assert task_row(database, order_task(database, "two", fingerprint=SAME)).state == "ready"
    assert task_row(database, order_task(database, "three", fingerprint=SAME, boot_test=False)).state == "ready"
    assert task_row(database, order_task(database, "four", fingerprint=SAME, boot_test=True)).state == "pending"


def test_who_wants_a_proof_joins_only_who_gets_one(database: Database) -> None:
    order_task(database, "one", fingerprint=SAME)
    two = order_task(database, "two", fingerprint=SAME, boot_test=True)
    three = order_task(database, "three", fingerprint=SAME, boot_test=True)
    assert [task_row(database, number).follows for number in (two, three)] == [None, two]
