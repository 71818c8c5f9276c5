"""The pages: the list of tasks, and one for each task."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from isobuild import rebuild
from isobuild.desk import Desk
from isobuild.domain.states import OPEN
from isobuild.errors import BadInput, HostFault
from isobuild.web.keys import known
from isobuild.web.logs import follow
from isobuild.web.numbers import Before, Chosen, Number, Tagged, tags_of
from isobuild.web.reception import AtDesk
from isobuild.web.typed import Typed, moment, tags
from isobuild.web.views import is_part, render

router = APIRouter(include_in_schema=False)

PAGE = 25  # tasks on a page


@router.api_route("/", methods=["GET", "HEAD"])
def show_tasks(
    request: Request,
    desk: AtDesk,
    tag: Tagged = (),
    search: str = "",
    before: Before = None,
) -> Response:
    """Recipes to order from, and the tasks, the newest first; the page keeps them up to date."""
    found = desk.tasks(tags=tags_of(tag), search=search, before=before, limit=PAGE + 1)
    sought = urlencode([*(("tag", each) for each in tag), *([("search", search)] if search else [])])
    tasks, more = found[:PAGE], len(found) > PAGE
    return render(
        request, "_tasks.html" if is_part(request) else "tasks.html",
        tasks=tasks, before=before, tags=tag, search=search, sought=sought, older=tasks[-1]["id"] if more else None,
        moving=any(task["state"] in OPEN for task in tasks),
        recipes=[] if is_part(request) else _recipes(desk),
    )  # fmt: skip


@router.api_route("/tasks/{task}", methods=["GET", "HEAD"])
def show_task(request: Request, desk: AtDesk, task: Number, build: Chosen = None) -> Response:
    """All about a task, with the log of one of its builds: the last, unless another is chosen."""
    return _show_task(request, desk, task, build)


def _show_task(
    request: Request, desk: Desk, task: int, build: int | None = None, status: int = 200, wrong: str = "",
    typed: str = "",
) -> Response:  # fmt: skip
    shown, builds = desk.task(task), desk.builds(task=task)
    chosen = desk.build(task, build) if builds else None
    return render(
        request, "_task.html" if is_part(request) else "task.html", status,
        task=shown, builds=builds, moving=shown["state"] in OPEN, log=chosen and follow(desk, chosen),
        chosen=chosen, explicit=build is not None, history=desk.history(task), key=known(desk),
        updates=rebuild.show_updates(desk, task),
        wrong=wrong, typed=typed,
    )  # fmt: skip


@router.post("/tasks/{task}/cancel")
def cancel(desk: AtDesk, task: Number) -> Response:
    """Cancel it."""
    return _change(desk.cancel, task, f"/tasks/{task}")


@router.post("/tasks/{task}/retry")
def retry(desk: AtDesk, task: Number) -> Response:
    """Let it be built again."""
    return _change(desk.retry, task, f"/tasks/{task}")


@router.post("/tasks/{task}/rebuild")
def build_again(desk: AtDesk, task: Number) -> Response:
    """Order it once more, anew, and show that."""
    return RedirectResponse(f"/tasks/{rebuild.rebuild(desk, task)['id']}", 303)


@router.post("/tasks/{task}/release")
def release(desk: AtDesk, task: Number, typed: Typed) -> Response:
    """Give its build back, to be built again from a later time on, if one was typed."""
    later = moment("not_before", typed)
    return _change(partial(desk.release, not_before=later), task, f"/tasks/{task}")


@router.post("/tasks/{task}/tags")
def tag(request: Request, desk: AtDesk, task: Number, typed: Typed) -> Response:
    """Set its tags as they were typed; what somebody else added since the page was shown stays."""
    try:
        put = tags("tags", typed)
        desk.tag(task, put, [each for each in tags("had", typed) if each not in put])
    except BadInput as error:
        return _show_task(request, desk, task, None, 422, str(error).removeprefix("tags: "), typed.get("tags", ""))
    return RedirectResponse(f"/tasks/{task}", 303)


@router.post("/tasks/{task}/pin")
def pin(desk: AtDesk, task: Number) -> Response:
    """Keep it."""
    return _change(desk.pin, task, f"/tasks/{task}")


@router.post("/tasks/{task}/unpin")
def unpin(desk: AtDesk, task: Number) -> Response:
    """Keep it no longer than others."""
    return _change(partial(desk.pin, pinned=False), task, f"/tasks/{task}")


@router.post("/tasks/{task}/remove")
def remove(desk: AtDesk, task: Number) -> Response:
    """Forget it."""
    return _change(desk.remove, task, "/")


def _change(change: Callable[[int], object], task: int, after: str) -> Response:
    change(task)
    return RedirectResponse(after, 303)


def _recipes(desk: Desk) -> list[dict[str, str]]:
    return [_card(desk, name) for name in desk.cookbook.names()]


def _card(desk: Desk, name: str) -> dict[str, str]:
    try:
        return {"name": name, "title": desk.cookbook.find(name).title, "broken": ""}
    except HostFault as error:  # a recipe of the site's own; the others must not suffer for it
        return {"name": name, "title": name, "broken": str(error)}
