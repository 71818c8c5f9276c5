"""The one way in which a row changes its state."""

from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Result, update
from sqlalchemy.orm import Session

from isobuild.domain import history
from isobuild.domain.columns import Base
from isobuild.domain.history import By
from isobuild.domain.states import MOVES
from isobuild.domain.tables import Build, Task
from isobuild.errors import IllegalMove


def move(
    session: Session,
    row: type[Task] | type[Build],
    number: int,
    old: StrEnum,
    new: StrEnum,
    by: By,
    *also: ColumnElement[bool],
    **values: Any,
) -> bool:
    """Take row `number` from `old` to `new` if it still is `old` and all of `also` hold; say whether it did.

    What changed is written to the history, with who did it, when and why. Raises IllegalMove for a move that is
    not in MOVES.
    """
    if new not in MOVES[type(old)].get(old, ()):
        raise IllegalMove(what=row.__name__.lower(), old=old, new=new)
    if not change(session, row, row.id == number, row.state == old, *also, state=new, **values):
        return False
    history.write(session, row, number, old, new, by)
    return True


def change(session: Session, row: type[Base], *where: ColumnElement[bool], **values: Any) -> int:
    """UPDATE the rows that satisfy all of `where`; the number of them."""
    statement = update(row).where(*where).values(**values).execution_options(synchronize_session=False)
    return rows(session.execute(statement))


def rows(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE met."""
    return cast(CursorResult[Any], result).rowcount
