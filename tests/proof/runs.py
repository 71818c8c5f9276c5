"""One run: actors that go on one at a time, each by one statement, as the explorer says."""

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from queue import Empty, SimpleQueue

from proof.actors import PATIENCE, Actor, Work
from proof.footprints import BEGIN, ENDS, NOTHING, Footprint, Statement, meet
from proof.waits import Waits

LOOK = 0.002  # seconds until the server is asked whether somebody waits
BRIEF = {
    r"^SELECT .*? FROM ": "SELECT … FROM ",
    r"^(INSERT INTO \S+).*": r"\1",
    r"%\((\w+?)(_\d+)?\)s": r":\1",
    r"(\w+)=:\1\b": r"\1",
}


@dataclass(frozen=True)
class Step:
    """What an actor did, and what this did to others: it waits for a lock, or somebody goes on who waited."""

    actor: str
    statement: str
    does: Footprint
    waits: bool = False  # or met a deadlock
    woke: frozenset[str] = frozenset()

    def disturbs(self, other: "Step") -> bool:
        """Whether it makes a difference which of the two is first, when neither makes the other possible.

        Two that both wait may wait for each other: then the later one meets a deadlock.
        """
        return (self.waits and other.waits) or self.does.disturbs(other.does)

    def __str__(self) -> str:
        notes = ["(waits)"] * self.waits + [f"({name} goes on)" for name in sorted(self.woke)]
        return " ".join([f"{self.actor}: {brief(self.statement)}", *notes])


def brief(statement: str) -> str:
    """A statement, as far as people want to read it."""
    for long, short in BRIEF.items():
        statement = re.sub(long, short, statement)
    return statement


class Run:
    """Works that run side by side, each by its actor, all held at their first gates."""

    def __init__(self, actors: Mapping[str, Actor], works: Mapping[str, Work], waits: Waits) -> None:
        self.actors = dict(actors)
        self.waits = waits
        self.waiting: set[Actor] = set()
        self.writer: Actor | None = None  # SQLite: who has begun to write
        self.line: list[Actor] = []  # and who wants to after it
        self.arrivals: SimpleQueue[Actor] = SimpleQueue()
        for name, actor in self.actors.items():
            actor.start(works[name], self.arrivals)
        self._settle()

    @property
    def free(self) -> list[str]:
        """Those that may go on."""
        return [name for name, actor in self.actors.items() if actor.at is not None and actor not in self.line]

    def step(self, name: str) -> Step:
        """Let one go on until it stands before its next statement, waits for another, or has ended."""
        actor = self.actors[name]
        statement, before = actor.at or "", self._stopped()
        self._go(actor, statement)
        self._settle()
        if statement in ENDS and actor is self.writer:
            self._let_next_write()
        stopped = self._stopped()
        does = actor.sent.footprint(actor.held)
        if actor.vain and does.locks and actor not in stopped:
            does = self.waits.in_vain(actor, does)
        actor.note(does)
        failed = [other for other in self.actors.values() if other.failed]
        does |= self._let_go(failed)
        if does.publishes:  # whoever waited may have taken its locks in the same moment
            does = reduce(Footprint.__or__, (waiter.does for waiter in before), does)
        if actor in stopped:
            self._check_that_somebody_holds(actor)
        return Step(name, statement, does, actor in stopped or bool(failed), self._names(before - stopped))

    def end(self) -> None:
        """Wait for the ends of all; those that have not come to theirs undo what they did."""
        for actor in self.actors.values():
            if not actor.ended:
                actor.leave()
        for actor in self.actors.values():
            actor.join()

    def _names(self, actors: Collection[Actor]) -> frozenset[str]:
        return frozenset(name for name, actor in self.actors.items() if actor in actors)

    def _stopped(self) -> set[Actor]:
        return self.waiting | set(self.line)

    def _check_that_somebody_holds(self, waiter: Actor) -> None:
        others = (actor.held for actor in self.actors.values() if actor is not waiter)
        if not any(meet(held, waiter.does.locks) for held in others):
            raise AssertionError(f"{waiter.sent} waits for nobody we know of")

    def _let_go(self, failed: Sequence[Actor]) -> Footprint:
        """A statement that fails may have taken its transaction's locks with it."""
        for actor in failed:
            actor.failed = False
        return Footprint(publishes=NOTHING.union(*(actor.held for actor in failed)))

    def _go(self, actor: Actor, statement: str) -> None:
        if statement == BEGIN and self.writer:
            self.line.append(actor)
            actor.sent = Statement(BEGIN, {})
            return
        if statement == BEGIN:
            self.writer = actor
        actor.go_on()

    def _let_next_write(self) -> None:
        self.writer = None
        if self.line:
            self._go(self.line.pop(0), BEGIN)
            self._settle()

    def _settle(self) -> None:
        """Return when each has come to a gate or to its end, or waits for another."""
        over = time.monotonic() + PATIENCE
        while moving := {actor for actor in self.actors.values() if not actor.still}:
            if not self._hear(bool(moving - self.waiting)) and self.waits.among(moving) == moving:
                break
            if time.monotonic() > over:
                raise TimeoutError(f"{sorted(self._names(moving))} neither arrive nor wait")
        self.waiting = moving

    def _hear(self, patient: bool) -> bool:
        """Whether somebody arrived somewhere just now."""
        try:
            self.arrivals.get(patient, LOOK)
        except Empty:
            return False
        return True
