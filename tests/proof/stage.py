"""Where scenes are played: one database, the actors' connections to it, and its rows as they were at first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orders import url_of

from isobuild.db import Database
from isobuild.errors import BadInput, NotFound, Refused
from proof.actors import Actor
from proof.explorer import Schedule, explore
from proof.invariants import World, broken
from proof.rows import Rows
from proof.runs import Run
from proof.scene import Scene
from proof.waits import waits

CAST = 3  # actors at a time


@dataclass(frozen=True)
class Played:
    """A schedule, how each actor's call ended, and what is wrong about that."""

    schedule: Schedule
    outcomes: dict[str, object]
    wrong: list[str]

    def __str__(self) -> str:
        ends = [f"{name}: {outcome!r}" for name, outcome in self.outcomes.items()]
        return "\n".join([*self.wrong, "", str(self.schedule), "", *ends])


class Stage:
    """A database in which a scene can be played again and again, each time from the same rows."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows = Rows(database)
        self.waits = waits(database)
        self.cast = [Actor(url_of(database)) for _ in range(CAST)]
        for actor in self.cast:
            self.waits.know(actor)

    def close(self) -> None:
        self.waits.close()
        self.rows.close()
        for actor in self.cast:
            actor.close()

    def play(self, prepare: Callable[[Database], Scene], every: bool = False) -> Iterator[Played]:
        """Every way in which the scene can go."""
        self.rows.clear()
        scene = prepare(self.database)
        self.rows.keep()
        changed: set[str] = set()

        def begin() -> Run:
            self.rows.put_back(changed)
            self.waits.rest()
            return Run(dict(zip(scene.works, self.cast, strict=False)), scene.works, self.waits)

        for schedule in explore(begin, every):
            if schedule.whole:
                yield self._look(scene, schedule)
            changed = {table for step in schedule.steps for table, _row in step.does.locks}

    def _look(self, scene: Scene, schedule: Schedule) -> Played:
        outcomes = {name: actor.outcome for name, actor in zip(scene.works, self.cast, strict=False)}
        faults = [f"{name} ended in {outcome!r}" for name, outcome in outcomes.items() if _is_fault(outcome)]
        with self.database.read() as session:
            world = World(session, scene.slots)
        said = scene.just(outcomes, world)
        return Played(schedule, outcomes, [*faults, *broken(world), *([said] if said else [])])


def _is_fault(outcome: object) -> bool:
    return isinstance(outcome, BaseException) and not isinstance(outcome, Refused | BadInput | NotFound)
