"""What is left of what a site allows: tokens in buckets, orders of a user, builds of a recipe."""

from datetime import datetime

from sqlalchemy.orm import Session

from isobuild.domain import limits, turns
from isobuild.domain.hosts import Host
from isobuild.domain.listing import Shown, iso8601
from isobuild.domain.rules import Allowance


def left(session: Session, host: Host, user: str, now: datetime) -> list[Shown]:
    """Each limit of the site: how much of it is left, of how much, and when all of it will be."""
    rules = host.rules
    found = [_tokens(session, "bucket", name, name, allowance, now) for name, allowance in rules.buckets.items()]
    if rules.orders:
        found.append(_tokens(session, "orders", user, limits.orders_of(user), rules.orders, now))
    return found + [_builds(session, recipe, limit) for recipe, limit in rules.recipe_limits.items()]


def _tokens(session: Session, kind: str, name: str, bucket: str, allowance: Allowance, now: datetime) -> Shown:
    level = limits.look(session, bucket, allowance, now)
    full = level.when(allowance.depth, allowance) if level.tokens < allowance.depth else None
    return {
        "kind": kind,
        "name": name,
        "left": round(level.tokens, 3),
        "of": str(allowance),
        "full_at": iso8601(full),
    }


def _builds(session: Session, recipe: str, limit: int) -> Shown:
    free = max(0, limit - len(turns.open_builds(session, recipe)))
    return {"kind": "builds", "name": recipe, "left": free, "of": f"{limit} at a time", "full_at": None}
