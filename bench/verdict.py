"""What is to be found after all that: every task ready once, by its right file, and nothing left over."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.plant import Plant, iso_of
from isobuild import site
from isobuild.domain.states import OPEN, BuildState, TaskState
from isobuild.domain.tables import Artifact, Build, Task


@dataclass(frozen=True)
class Verdict:
    """Tasks, builds, and what is wrong with them; seconds from each hit to the next start of that task's build."""

    tasks: int
    builds: int
    lost: list[int]  # tasks that are neither ready nor open any more, or whose ISO is not there or not theirs
    doubled: list[int]  # tasks with more than one ISO, or build that succeeded
    stuck: list[int]  # tasks that are still open
    left: list[str]  # processes, workspaces, files of nobody's
    recoveries: list[float]

    @property
    def faults(self) -> list[object]:
        """All that is wrong."""
        return [*self.lost, *self.doubled, *self.stuck, *self.left]


def judge(plant: Plant, hits: list[tuple[int, float]]) -> Verdict:
    """Look at what is there."""
    with plant.database.read() as session:
        tasks = session.scalars(select(Task).order_by(Task.id)).all()
        good = Counter(session.scalars(select(Build.task_id).where(Build.state == BuildState.SUCCEEDED)))
        isos = Counter(session.scalars(select(Artifact.task_id).where(Artifact.kind == "iso")))
        return Verdict(
            tasks=len(tasks),
            builds=session.scalar(select(func.count()).select_from(Build)) or 0,
            lost=[task.id for task in tasks if task.state not in OPEN and not _has_its_iso(plant, session, task)],
            doubled=[task.id for task in tasks if good[task.id] > 1 or isos[task.id] > 1],
            stuck=[task.id for task in tasks if task.state in OPEN],
            left=_left(plant, session),
            recoveries=[seconds for hit in hits if (seconds := _recovery(session, *hit)) is not None],
        )


def _has_its_iso(plant: Plant, session: Session, task: Task) -> bool:
    wanted = iso_of(task.name)
    file = session.scalar(select(Artifact).where(Artifact.task_id == task.id, Artifact.kind == "iso"))
    if task.state is not TaskState.READY or file is None or file.sha256 != sha256(wanted).hexdigest():
        return False
    path = plant.settings.store / str(file.build_id) / file.file
    return path.exists() and path.read_bytes() == wanted


def _left(plant: Plant, session: Session) -> list[str]:
    owners = set(session.scalars(select(Artifact.build_id)))
    stored = set(site.store(plant.settings).owned())
    return [
        *(f"process {pid}" for pid in plant.living()),
        *(f"workspace {path.name}" for path in plant.settings.workspaces.iterdir()),
        *(f"file of build {build}" for build in sorted(stored - owners)),
    ]


def _recovery(session: Session, task: int, hit: float) -> float | None:
    """None if its build had ended before it could be hit."""
    moment = datetime.fromtimestamp(hit, UTC)
    later = select(func.min(Build.started_at)).where(Build.task_id == task, Build.started_at > moment)
    started = session.scalar(later)
    return (started - moment).total_seconds() if started else None
