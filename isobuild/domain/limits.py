"""Token buckets: how much of something there may be in a time (uni2work's TokenBucket)."""

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from isobuild.domain.guard import change
from isobuild.domain.rules import Allowance
from isobuild.domain.tables import Bucket

HAIR = 1e-6  # of a token: what dividing and multiplying may lose


def orders_of(user: str) -> str:
    """The name of the bucket of a user's orders; no other has a space in it."""
    return f"orders of {user}"


class Level(NamedTuple):
    """How many tokens are in a bucket, and when that is so: now, or later if the clock was ahead at the last draw."""

    tokens: float
    at: datetime

    def has(self, tokens: float = 1.0) -> bool:
        """Whether so many can be drawn."""
        return self.tokens >= tokens - HAIR

    def when(self, tokens: float, allowance: Allowance) -> datetime:
        """The first whole second at which it will have so many."""
        missing = math.ceil(max(0.0, tokens - self.tokens) / allowance.rate * 1e6)
        return (self.at + timedelta(seconds=1, microseconds=missing - 1)).replace(microsecond=0)


def draw(session: Session, name: str, allowance: Allowance, now: datetime, tokens: float = 1.0) -> datetime | None:
    """Take tokens from a bucket, which is full at first and refills evenly; None if it had them.

    Otherwise nothing is taken, and the time when it will have them is returned. Two that draw at once wait for
    each other, so that none is given twice. Raises ValueError for more tokens than the bucket holds.
    """
    if tokens > allowance.depth:
        raise ValueError(f"bucket {name} holds {allowance.depth:g}, never {tokens:g}")
    left = level(_hold(session, name, allowance, now), allowance, now)
    if not left.has(tokens):
        return left.when(tokens, allowance)
    change(session, Bucket, Bucket.name == name, tokens=max(0.0, left.tokens - tokens), at=left.at)
    return None


def look(session: Session, name: str, allowance: Allowance, now: datetime) -> Level:
    """How many tokens a bucket has; it need not exist yet."""
    bucket = session.get(Bucket, name, populate_existing=True)
    return level(bucket, allowance, now) if bucket else Level(allowance.depth, now)


def level(bucket: Bucket, allowance: Allowance, now: datetime) -> Level:
    """How many tokens are in a bucket.

    After a clock's step back, or as seen by a host whose clock is behind, no time has passed until the old time comes
    round again: nothing is refilled twice. But a draw that is more than a period ahead was an error of the clock.
    """
    ahead = bucket.at - now
    if ahead > allowance.period:
        return Level(allowance.depth, now)
    passed = max(timedelta(0), -ahead).total_seconds()
    return Level(min(allowance.depth, bucket.tokens + passed * allowance.rate), max(now, bucket.at))


def _hold(session: Session, name: str, allowance: Allowance, now: datetime) -> Bucket:
    held = select(Bucket).where(Bucket.name == name).with_for_update().execution_options(populate_existing=True)
    bucket = session.scalar(held)
    if bucket is None:
        try:
            with session.begin_nested():
                session.add(Bucket(name=name, tokens=allowance.depth, at=now))
        except IntegrityError:  # somebody else's first draw
            pass
        bucket = session.scalars(held).one()
    return bucket
