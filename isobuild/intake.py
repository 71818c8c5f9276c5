"""Taking an order's options in: they are checked, secrets of an earlier order taken over, and files looked at."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from isobuild.domain import listing
from isobuild.errors import InvalidOption
from isobuild.recipes import Cookbook
from isobuild.store.uploads import PREFIX, Uploads

if TYPE_CHECKING:
    from isobuild.recipes.options import NamedFile


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
    from isobuild.recipes.options import named_files, named_uploads

    parsed = cookbook.parse(recipe, options, earlier)
    chosen = cookbook.dump(parsed)
    for field, upload in named_uploads(type(parsed), chosen):
        if not uploads.hold(upload):
            allowed = "an upload that is here: 'isobuild upload FILE' brings one"
            raise InvalidOption(field=field, given=upload, allowed=allowed)
    for file in named_files(type(parsed), chosen):
        _look_at(file, uploads, cookbook.site)
    return chosen


def _look_at(file: "NamedFile", uploads: Uploads, site: Path | None) -> None:
    """Raise InvalidOption if it holds something else than it should."""
    from isobuild.image import sniff

    is_upload = file.called.startswith(PREFIX)
    if not is_upload and site is None:
        return
    path = uploads.path(file.called) if is_upload else Path(site or "", file.folder, file.called)
    if words := sniff.objection(file.holds, path):
        given = uploads.name(file.called) if is_upload else ""
        raise InvalidOption(field=file.field, given=given or file.called, allowed=words)
