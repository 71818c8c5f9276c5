"""The API of the site itself: its queues, schedules, limits and runners."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from isobuild.domain.listing import Shown
from isobuild.domain.tables import LONGEST_REASON
from isobuild.slip import Timetable
from isobuild.web.api import PROBLEMS
from isobuild.web.numbers import Limit
from isobuild.web.reception import AtDesk

router = APIRouter(prefix="/api", tags=["site"], responses=PROBLEMS)
Everyone = Annotated[bool, Query(alias="all", description="those that have ended, and the lost, too")]


class Pause(BaseModel):
    """Why nothing goes from a queue."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: str = Field(description="people see it", min_length=1, max_length=LONGEST_REASON)


class Halt(BaseModel):
    """Why a schedule orders nothing."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: str = Field("", description="people see it", max_length=LONGEST_REASON)


@router.get("/queues")
def list_queues(desk: AtDesk) -> list[Shown]:
    """The queues in their order, and which of them are paused."""
    return desk.queues()


@router.post("/queues/{queue}/pause")
def pause(desk: AtDesk, queue: str, pause: Pause) -> list[Shown]:
    """Let nothing go from a queue until it is resumed; builds in hand go on."""
    desk.pause(queue, pause.reason)
    return desk.queues()


@router.post("/queues/{queue}/resume")
def resume(desk: AtDesk, queue: str) -> list[Shown]:
    """Let tasks go from a queue again."""
    desk.resume(queue)
    return desk.queues()


@router.get("/limits")
def list_limits(desk: AtDesk) -> list[Shown]:
    """What is left of what the site allows: of each bucket, of the user's orders, of builds of each recipe."""
    return desk.limits()


@router.get("/runners")
def list_runners(desk: AtDesk, everyone: Everyone = False, limit: Limit = 100) -> list[Shown]:
    """The runners that run, or all of them, the newest first."""
    return desk.runners(everyone=everyone, limit=limit)


@router.get("/schedules")
def list_schedules(desk: AtDesk) -> list[Shown]:
    """The schedules, by name."""
    return desk.schedules()


@router.post("/schedules", status_code=201)
def add_schedule(desk: AtDesk, timetable: Timetable, response: Response) -> Shown:
    """Order an ISO whenever a cron line fires."""
    added = timetable.add(desk)
    response.headers["Location"] = f"/api/schedules/{added['name']}"
    return added


@router.get("/schedules/{name}")
def show_schedule(desk: AtDesk, name: str) -> Shown:
    """A schedule, with its next fires and its last ones."""
    return desk.schedule(name)


@router.post("/schedules/{name}/pause")
def pause_schedule(desk: AtDesk, name: str, halt: Halt) -> Shown:
    """Let a schedule order nothing until it is resumed; a second pause gives another reason."""
    desk.pause_schedule(name, halt.reason)
    return desk.schedule(name)


@router.post("/schedules/{name}/resume")
def resume_schedule(desk: AtDesk, name: str) -> Shown:
    """Let a paused schedule order again; what it missed is not made up for."""
    desk.resume_schedule(name)
    return desk.schedule(name)


@router.post("/schedules/{name}/run", status_code=201)
def run_schedule(desk: AtDesk, name: str, response: Response) -> Shown:
    """Order a schedule's task now, besides its fires."""
    number = desk.run_schedule(name)
    response.headers["Location"] = f"/api/tasks/{number}"
    return desk.task(number)


@router.delete("/schedules/{name}", status_code=204)
def remove_schedule(desk: AtDesk, name: str) -> None:
    """Forget a schedule; its tasks stay."""
    desk.remove_schedule(name)
