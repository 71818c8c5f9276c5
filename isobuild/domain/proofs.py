"""How ISOs booted, told: of each firmware `reached`, `seconds`, `accel`, `where`, as builds and files have it.

`reached` is None where no boot could be tried; `where` then says why, and after one that failed where it stopped.
"""

from collections.abc import Mapping
from typing import Any

Proof = Mapping[str, Mapping[str, Any]]  # by firmware: bios, uefi


def verified(proof: Proof | None) -> bool | None:
    """Whether the ISO came up wherever it was tried; None if it was tried nowhere."""
    tried = [facts["reached"] for facts in (proof or {}).values() if facts["reached"] is not None]
    return all(tried) if tried else None


def mark(proof: Proof | None) -> str:
    """The word that people see beside `ready`; empty if nobody wanted to know."""
    if not proof:
        return ""
    return {True: "verified", False: "not verified", None: "not tested"}[verified(proof)]


def words(facts: Mapping[str, Any]) -> str:
    """What came of one firmware, in words."""
    if facts["reached"] is None:
        return f"not tested: {facts['where']}"
    if not facts["reached"]:
        return f"not up after {facts['seconds']:g} s: {facts['where']}"
    slow = " (without KVM: a real machine is many times faster)" if facts["accel"] == "tcg" else ""
    return f"up after {facts['seconds']:g} s{slow}"
