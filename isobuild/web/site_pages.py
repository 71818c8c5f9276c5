"""The pages about the site itself: its queues, what was built, its schedules."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from isobuild.domain.tables import LONGEST_REASON
from isobuild.errors import BadInput
from isobuild.web.reception import AtDesk
from isobuild.web.typed import Typed
from isobuild.web.views import render

router = APIRouter(include_in_schema=False)


@router.api_route("/queues", methods=["GET", "HEAD"])
def show_queues(request: Request, desk: AtDesk) -> Response:
    """The queues, how many tasks are in each state, and how long builds take."""
    return render(request, "queues.html", queues=desk.queues(), stats=desk.stats(), error="")


@router.post("/queues/{queue}/pause")
def pause(request: Request, desk: AtDesk, queue: str, typed: Typed) -> Response:
    """Let nothing go from a queue."""
    reason = typed.get("reason", "").strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        error = BadInput(field="reason", given=reason[:80], allowed=f"a text of up to {LONGEST_REASON} characters")
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


@router.post("/schedules/{name}/pause")
def pause_schedule(desk: AtDesk, name: str, typed: Typed) -> Response:
    """Let a schedule order nothing."""
    desk.pause_schedule(name, typed.get("reason", "").strip())
    return RedirectResponse("/schedules", 303)


@router.post("/schedules/{name}/resume")
def resume_schedule(desk: AtDesk, name: str) -> Response:
    """Let a schedule order again."""
    desk.resume_schedule(name)
    return RedirectResponse("/schedules", 303)


@router.post("/schedules/{name}/run")
def run_schedule(desk: AtDesk, name: str) -> Response:
    """Order its task now, and show that."""
    return RedirectResponse(f"/tasks/{desk.run_schedule(name)}", 303)


@router.post("/schedules/{name}/remove")
def remove_schedule(desk: AtDesk, name: str) -> Response:
    """Forget a schedule."""
    desk.remove_schedule(name)
    return RedirectResponse("/schedules", 303)
