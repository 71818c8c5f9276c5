"""The pages about the site itself: its queues, what was built, its schedules."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from isobuild.errors import BadInput
from isobuild.web.orders import Typed
from isobuild.web.reception import AtDesk
from isobuild.web.views import render

router = APIRouter(include_in_schema=False)
LONGEST = 400  # characters of a reason


@router.api_route("/queues", methods=["GET", "HEAD"])
def show_queues(request: Request, desk: AtDesk) -> Response:
    """The queues, how many tasks are in each state, and how long builds take."""
    return render(request, "queues.html", queues=desk.queues(), stats=desk.stats(), error="")


@router.post("/queues/{queue}/pause")
def pause(request: Request, desk: AtDesk, queue: str, typed: Typed) -> Response:
    """Let nothing go from a queue."""
    reason = typed.get("reason", "").strip()
    if not 1 <= len(reason) <= LONGEST:
        error = BadInput(field="reason", given=reason[:80], allowed=f"a text of up to {LONGEST} characters")
        return render(
            request, "queues.html", 422, queues=desk.queues(), stats=desk.stats(), error=str(error), wrong=queue
        )
    desk.pause(queue, reason)
    return RedirectResponse("/queues", 303)


@router.post("/queues/{queue}/resume")
def resume(desk: AtDesk, queue: str) -> Response:
    """Let tasks go from a queue again."""
    desk.resume(queue)
    return RedirectResponse("/queues", 303)


@router.api_route("/schedules", methods=["GET", "HEAD"])
def show_schedules(request: Request, desk: AtDesk) -> Response:
    """The schedules, each with its next fires and its last ones."""
    found = [desk.schedule(schedule["name"]) for schedule in desk.schedules()]
    return render(request, "schedules.html", schedules=found)
