"""Taking an order's options in: they are checked, secrets of an earlier order taken over, and uploads looked for."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from isobuild.domain import listing
from isobuild.errors import InvalidOption
from isobuild.recipes import Cookbook
from isobuild.store.uploads import Uploads


def earlier(session: Session, like: int | None, recipe: str, user: str) -> Mapping[str, Any] | None:
    """The options of a task, whose secrets its user may take over for another order of this recipe; of nobody else's.

    Raises NotFound.
    """
    task = listing.show_task(session, like) if like else {}
    return task["options"] if (task.get("user"), task.get("recipe")) == (user, recipe) else None


def choose(
    cookbook: Cookbook,
    uploads: Uploads,
    recipe: str,
    options: Mapping[str, object],
    earlier: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The options as JSON holds them. Raises BadInput."""
    from isobuild.recipes.options import named_uploads

    parsed = cookbook.parse(recipe, options, earlier)
    chosen = cookbook.dump(parsed)
    for field, upload in named_uploads(type(parsed), chosen):
        if not uploads.hold(upload):
            allowed = "an upload that is here: 'isobuild upload FILE' brings one"
            raise InvalidOption(field=field, given=upload, allowed=allowed)
    return chosen
