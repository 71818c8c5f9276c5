"""The API: the same calls as the pages', as JSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from isobuild.domain.listing import Shown
from isobuild.domain.states import BuildState, TaskState
from isobuild.web.desk import AtDesk
from isobuild.web.numbers import LARGEST, Before, Limit, Number
from isobuild.web.problems import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {"application/problem+json": {}}, "description": words}
    for status, words in {
        403: "It came from another site",
        404: "There is none with this number",
        409: "It does not go with the present state",
        413: "More than 1 MiB was sent",
        422: "A field can't be used; the answer names it",
        503: "The database can't be reached",
    }.items()
}

router = APIRouter(prefix="/api", tags=["tasks"], responses=PROBLEMS)


class Wish(BaseModel):
    """What is ordered."""

    model_config = ConfigDict(strict=True, extra="forbid")

    recipe: str = Field(description="how it is made", examples=["tiny"])
    name: str = Field(description="of the task and of its ISO file", examples=["kiosk"])
    options: dict[str, Any] = Field({}, description="what the recipe lets you choose")
    queue: str = Field("default", description="one of this server's queues")
    priority: int = Field(0, description="within a queue, higher goes first")


@router.get("/tasks")
def list_tasks(
    desk: AtDesk, response: Response, state: TaskState | None = None,
    user: str | None = None, before: Before = None, limit: Limit = 100,
) -> list[Shown]:  # fmt: skip
    """Tasks, the newest first. Where there may be more, the Link header tells where."""
    found = desk.tasks(state=state, user=user, before=before, limit=limit)
    if len(found) == limit:
        chosen = {"state": state, "user": user, "before": found[-1]["id"], "limit": limit}
        query = "&".join(f"{key}={value}" for key, value in chosen.items() if value is not None)
        response.headers["Link"] = f'</api/tasks?{query}>; rel="next"'
    return found


@router.post("/tasks", status_code=201)
def order(desk: AtDesk, wish: Wish, response: Response) -> Shown:
    """Order an ISO."""
    task = desk.order(**dict(wish))
    response.headers["Location"] = f"/api/tasks/{task['id']}"
    return task


@router.get("/tasks/{task}")
def show_task(desk: AtDesk, task: Number) -> Shown:
    """One task."""
    return desk.task(task)


@router.post("/tasks/{task}/cancel")
def cancel(desk: AtDesk, task: Number) -> Shown:
    """Cancel a task that waits, or ask the runner of its build to stop; then `stopping` is true for a moment."""
    desk.cancel(task)
    return desk.task(task)


@router.post("/tasks/{task}/retry")
def retry(desk: AtDesk, task: Number) -> Shown:
    """Let a task that failed, was canceled or has expired be built again."""
    desk.retry(task)
    return desk.task(task)


@router.delete("/tasks/{task}", status_code=204)
def remove(desk: AtDesk, task: Number) -> None:
    """Forget a task; its ISO goes with the next tick."""
    desk.remove(task)


@router.get("/builds")
def list_builds(
    desk: AtDesk, state: BuildState | None = None, task: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
    limit: Limit = 100,
) -> list[Shown]:  # fmt: skip
    """Builds, the newest first."""
    return desk.builds(task=task, state=state, limit=limit)
