"""The explorer: runs actors through every interleaving of their statements that can make a difference.

It goes depth first and by itself, with no chance in it: each run begins with the same rows, repeats what the run
before it did up to some step, and there lets another actor go on. Two runs that only differ in the order of steps
that do not disturb each other (see Footprint) come to the same end; of those it makes one. How it finds the others:
source sets and sleep sets, as in Abdulla, Aronis, Jonsson, Sagonas: "Optimal dynamic partial order reduction"
(POPL 2014), algorithm 1, which is proved to leave none out. `every=True` prunes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from proof.runs import Step

LONGEST = 500  # steps of a run


class Running(Protocol):
    """A run, from its first gates on."""

    @property
    def free(self) -> list[str]:
        """The actors that may go on."""

    def step(self, name: str) -> Step:
        """Let one go on."""

    def end(self) -> None:
        """Let all come to their ends; those that have not yet undo what they did."""


class DivergedError(Exception):
    """What was the same before went another way: something other than the schedule decides."""


@dataclass
class Node:
    """A moment of the run: what is tried there now, and what is to be."""

    chosen: str
    todo: set[str]  # with what was chosen before
    asleep: dict[str, Step]  # whose next step has been tried, in runs that come to the same
    step: Step
    past: int = 0  # the steps that must come before this one, as bits

    def still_asleep(self) -> dict[str, Step]:
        """After this step."""
        return {name: step for name, step in self.asleep.items() if not step.disturbs(self.step)}


@dataclass(frozen=True)
class Schedule:
    """A run that was made; `whole` unless it was given up because it came to the same as another."""

    steps: tuple[Step, ...]
    whole: bool = True

    def __str__(self) -> str:
        return "\n".join(f"{number:4} {step}" for number, step in enumerate(self.steps, 1))


def explore(begin: Callable[[], Running], every: bool = False) -> Iterator[Schedule]:
    """Make the runs. What one of them left is to be looked at before the next is asked for."""
    nodes: list[Node] = []
    new = 0
    while True:
        run = begin()
        try:
            whole = _make(run, nodes, every)
        finally:
            run.end()
        if not every:
            for number in range(new, len(nodes)):
                _plan(nodes, number)
        yield Schedule(tuple(node.step for node in nodes), whole)
        if not _turn(nodes):
            return
        new = len(nodes) - 1


def _make(run: Running, nodes: list[Node], every: bool) -> bool:
    """Repeat the nodes, but the last by another actor, then go on to the end; whether there was any sense in it."""
    for number, node in enumerate(nodes, 1):
        step = run.step(node.chosen)
        if node is not nodes[-1] and step != node.step:
            made = Schedule(tuple(done.step for done in nodes[:number]))
            raise DivergedError(f"{made}\nThe last step became {step}\n{node.step.does}\n{step.does}")
        node.step = step
    while free := run.free:
        asleep = nodes[-1].still_asleep() if nodes and not every else {}
        awake = [name for name in free if name not in asleep]
        if not awake:
            return False
        if len(nodes) > LONGEST:
            raise DivergedError(f"no end after {LONGEST} steps")
        nodes.append(Node(awake[0], set(free) if every else {awake[0]}, asleep, run.step(awake[0])))
    return True


def _turn(nodes: list[Node]) -> bool:
    """Go back to the last moment at which another actor is to be tried; whether there is one."""
    while nodes:
        node = nodes[-1]
        node.asleep[node.chosen] = node.step
        if left := node.todo - node.asleep.keys():
            node.chosen = min(left)
            return True
        nodes.pop()
    return False


def _plan(nodes: Sequence[Node], number: int) -> None:
    """Find the steps that might as well have come after this one, and plan to try that."""
    bound, loose = _causes(nodes, number)
    nodes[number].past = _with_past(nodes, bound | loose)
    for race in loose:
        if not _with_past(nodes, (bound | loose) - {race}) >> race & 1:
            _reverse(nodes, race, number)


def _causes(nodes: Sequence[Node], number: int) -> tuple[set[int], set[int]]:
    """The steps that made this one possible, and those that it, or its like, could have come before."""
    step = nodes[number].step
    bound: set[int] = set()
    for earlier in reversed(range(number)):
        if step.actor in nodes[earlier].step.woke:
            bound.add(earlier)
        if nodes[earlier].step.actor == step.actor:
            bound.add(earlier)
            break
    others = (earlier for earlier in range(number) if nodes[earlier].step.actor != step.actor)
    return bound, {earlier for earlier in others if nodes[earlier].step.disturbs(step)} - bound


def _with_past(nodes: Sequence[Node], numbers: set[int]) -> int:
    past = 0
    for number in numbers:
        past |= nodes[number].past | 1 << number
    return past


def _reverse(nodes: Sequence[Node], race: int, number: int) -> None:
    """Plan at `race` one of the actors that could begin a run in which step `number` comes before step `race`."""
    between = [other for other in range(race + 1, number) if not nodes[other].past >> race & 1]
    rest = [*between, number]
    firsts = [
        nodes[other].step.actor
        for place, other in enumerate(rest)
        if not any(nodes[other].past >> earlier & 1 for earlier in rest[:place])
    ]
    if not nodes[race].todo & set(firsts):
        nodes[race].todo.add(firsts[0])
