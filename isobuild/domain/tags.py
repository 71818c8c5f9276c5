"""Tags: words about a task, each with a value, by which it is found again."""

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from isobuild.domain.tables import Tag, Task
from isobuild.errors import BadInput, NotFound

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
LONGEST = 200  # characters of a value
MOST = 50  # tags of a task


def check(tags: Mapping[str, str]) -> None:
    """Raise BadInput for a tag that can't be one."""
    if len(tags) > MOST:
        raise BadInput(field="tags", given=f"{len(tags)} tags", allowed=f"at most {MOST}")
    for tag, value in tags.items():
        if not NAME.fullmatch(tag):
            allowed = "1 to 64 of a-z, 0-9 and . _ -, the first a letter or digit"
            raise BadInput(field="tags", given=tag[:80], allowed=allowed)
        # a space at the end would make no difference to MariaDB
        if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable() or value != value.strip():
            allowed = f"a text in one line of up to {LONGEST} characters, as the value of tag {tag}, no space around it"
            raise BadInput(field="tags", given=str(value)[:80], allowed=allowed)


def add(session: Session, task: int, tags: Mapping[str, str]) -> None:
    """Give a task its first tags, which are checked already."""
    session.add_all(Tag(task_id=task, tag=tag, value=value) for tag, value in tags.items())


def change(session: Session, task: int, put: Mapping[str, str], drop: Sequence[str]) -> None:
    """Set tags of a task, one that it has to its new value, and take others away. Raises NotFound, BadInput."""
    check(put)
    check(dict.fromkeys(drop, ""))
    if session.get(Task, task, with_for_update=True) is None:  # who else changes its tags comes after
        raise NotFound(what="task", given=task, hint="'isobuild tasks' lists them.")
    session.execute(delete(Tag).where(Tag.task_id == task, Tag.tag.in_([*put, *drop])))
    check(of(session, task)[task] | dict(put))
    add(session, task, put)
    session.flush()


def of(session: Session, *tasks: int) -> dict[int, dict[str, str]]:
    """The tags of tasks, by the tasks' numbers."""
    found: dict[int, dict[str, str]] = {task: {} for task in tasks}
    for row in session.scalars(select(Tag).where(Tag.task_id.in_(tasks)).order_by(Tag.tag)):
        found[row.task_id][row.tag] = row.value
    return found
