"""Users: who orders. None of them is ever removed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from isobuild.domain.tables import User


def first(session: Session) -> tuple[int, datetime] | None:
    """The number of the first user there is, and since when; None: nobody has ordered yet."""
    row = session.execute(select(User.id, User.created_at).order_by(User.id).limit(1)).one_or_none()
    return row and (row.id, row.created_at)


def is_there(session: Session, number: int, since: datetime) -> bool:
    """Whether there is this very user, whose number another database may have given to somebody else."""
    return session.scalar(select(User.created_at).where(User.id == number)) == since
