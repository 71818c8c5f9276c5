"""What goes wrong, at random: processes are killed, a database server is killed or stopped, SQLite's lock is held."""

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable

from servers import Server
from sqlalchemy import select

from bench.plant import Plant, read
from isobuild.domain.states import BuildState
from isobuild.domain.tables import Build, Runner

AWAY = (0.1, 2.0)  # seconds that a database is away
#: how often each is killed, and by what it is known
VICTIMS: dict[str, tuple[int, Callable[[int], bool]]] = {
    "runner": (3, lambda pid: "-m isobuild run" in _command(pid)),
    "loop": (4, lambda pid: "-m isobuild work" in _command(pid)),
    "daemon": (1, lambda pid: "-m isobuild up" in _command(pid)),
    "tick": (1, lambda pid: "-m isobuild tick" in _command(pid)),
    "script": (2, lambda pid: "ISOBUILD_TASK=" in read(pid, "environ")),
    "leash": (2, lambda pid: "run_as_user.sh run" in _command(pid)),
}
DATABASE = 2  # how often that goes away


class Monkey:
    """Kills something of a plant, whose database is on `server` (None: SQLite); notes what, and which builds it hit."""

    def __init__(self, plant: Plant, server: Server | None, seed: int) -> None:
        self.plant = plant
        self.server = server
        self.chance = random.Random(seed)
        self.count: Counter[str] = Counter()
        self.hits: list[tuple[int, float]] = []  # a task whose build was killed, and when, in seconds since 1970

    def act(self) -> None:
        """Do one of its deeds."""
        victims = {name: [pid for pid in self.plant.living() if is_one(pid)] for name, (_, is_one) in VICTIMS.items()}
        weights = {name: VICTIMS[name][0] for name, found in victims.items() if found} | {"database": DATABASE}
        (name,) = self.chance.choices(list(weights), list(weights.values()))
        if name == "database":
            self._take_the_database_away()
            self.count[name] += 1
        else:
            self.count[name] += self._kill(self.chance.choice(victims[name]))

    def _kill(self, pid: int) -> bool:
        tasks = self._built_by(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.hits += [(task, time.time()) for task in tasks]
        return True

    def _built_by(self, pid: int) -> list[int]:
        """The task that a process of a build works for, or that a runner has in hand."""
        if task := re.search(r"\bISOBUILD_TASK=(\d+)", read(pid, "environ")):
            return [int(task[1])]
        its = select(Build.task_id).outerjoin(Runner, Runner.id == Build.runner_id)
        workspace = re.search(rf"{self.plant.settings.workspaces}/(\d+)", _command(pid))
        this = Build.id == int(workspace[1]) if workspace else Runner.pid == pid
        with self.plant.database.read() as session:
            return list(session.scalars(its.where(this, Build.state == BuildState.RUNNING)))

    def _take_the_database_away(self) -> None:
        away = self.chance.uniform(*AWAY)
        if self.server is None:
            with self.plant.database.writer.begin():  # nobody else writes meanwhile
                time.sleep(away)
        else:
            self.chance.choice([self.server.kill, self.server.stop])()
            time.sleep(away)
            self.server.start()


def _command(pid: int) -> str:
    return read(pid, "cmdline").replace("\0", " ")
