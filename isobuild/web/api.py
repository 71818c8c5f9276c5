"""The API: the same calls as the pages', as JSON."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from isobuild import rebuild, slip
from isobuild.domain.listing import Shown
from isobuild.domain.states import BuildState, TaskState
from isobuild.slip import Slip
from isobuild.web.numbers import Before, Chosen, Limit, Number, Tagged, tags_of
from isobuild.web.problems import Problem
from isobuild.web.reception import AtDesk

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {"application/problem+json": {}}, "description": words}
    for status, words in {
        403: "It came from another site",
        404: "There is none with this number",
        409: "It does not go with the present state",
        413: "More than 1 MiB was sent, or more than an upload may have",
        422: "A field can't be used; the answer names it",
        429: "So many may not be ordered now; the answer says when to come again",
        503: "The database can't be reached",
    }.items()
}

router = APIRouter(prefix="/api", tags=["tasks"], responses=PROBLEMS)


class Later(BaseModel):
    """When a task that is given back may go again."""

    model_config = ConfigDict(extra="forbid")

    not_before: AwareDatetime | None = Field(None, description="by default when its turn comes")


class Waiting(BaseModel):
    """Which of the tasks that wait."""

    model_config = ConfigDict(extra="forbid")

    recipe: str = Field(description="those of this recipe", examples=["tiny"])
    queue: str | None = Field(None, description="those in this queue; by default in all")


class Tags(BaseModel):
    """What changes about a task's tags."""

    model_config = ConfigDict(extra="forbid")

    put: dict[str, str] = Field({}, description="tags and their values")
    drop: list[str] = Field([], description="tags to take away")


@router.get("/tasks")
def list_tasks(
    desk: AtDesk, response: Response, state: TaskState | None = None,
    user: str | None = None, tag: Tagged = (), search: str = "", before: Before = None, limit: Limit = 100,
) -> list[Shown]:  # fmt: skip
    """Tasks, the newest first. Where there may be more, the Link header tells where."""
    found = desk.tasks(state=state, user=user, tags=tags_of(tag), search=search, before=before, limit=limit)
    if len(found) == limit:
        chosen = {"state": state, "user": user, "search": search or None, "before": found[-1]["id"], "limit": limit}
        said = [(key, str(value)) for key, value in chosen.items() if value is not None]
        query = urlencode([*(("tag", each) for each in tag), *said])
        response.headers["Link"] = f'</api/tasks?{query}>; rel="next"'
    return found


@router.post("/orders", status_code=201)
def order_all(desk: AtDesk, slips: Annotated[list[Slip], Body(min_length=1, max_length=1000)]) -> list[Shown]:
    """Order several ISOs, which may wait for each other by their names: all of them or none."""
    return slip.order_all(slips, desk)


@router.get("/tasks/{task}")
def show_task(desk: AtDesk, task: Number) -> Shown:
    """One task."""
    return desk.task(task)


@router.post("/tasks/{task}/cancel")
def cancel(desk: AtDesk, task: Number) -> Shown:
    """Cancel a task that waits, or ask the runner of its build to stop; then `stopping` is true for a moment."""
    desk.cancel(task)
    return desk.task(task)


@router.post("/tasks/cancel-waiting")
def cancel_waiting(desk: AtDesk, waiting: Waiting) -> list[int]:
    """Cancel all tasks of a recipe that wait; their numbers. What is being built goes on."""
    return desk.cancel_waiting(waiting.recipe, waiting.queue)


@router.post("/tasks/{task}/retry")
def retry(desk: AtDesk, task: Number) -> Shown:
    """Let a task that failed, was canceled or has expired be built again."""
    desk.retry(task)
    return desk.task(task)


@router.post("/tasks/{task}/rebuild", status_code=201)
def build_again(desk: AtDesk, task: Number, response: Response) -> Shown:
    """Order what a task is once more, anew, with the newest packages; the new task."""
    added = rebuild.rebuild(desk, task)
    response.headers["Location"] = f"/api/tasks/{added['id']}"
    return added


@router.get("/tasks/{task}/updates")
def show_updates(desk: AtDesk, task: Number) -> Shown | None:
    """The newer versions that there are of a ready ISO's packages, those for security first; null: nobody looked."""
    return rebuild.show_updates(desk, task)


@router.get("/updates")
def list_updates(desk: AtDesk) -> list[Shown]:
    """The ready tasks of whose packages there are newer versions, the newest first."""
    return rebuild.stale(desk)


@router.post("/tasks/{task}/release")
def release(desk: AtDesk, task: Number, later: Later) -> Shown:
    """Give a build in hand back: the task waits for its turn again, and no attempt is lost."""
    desk.release(task, later.not_before)
    return desk.task(task)


@router.post("/tasks/{task}/pin")
def pin(desk: AtDesk, task: Number) -> Shown:
    """Keep a task and its ISO, whatever else is pruned."""
    desk.pin(task)
    return desk.task(task)


@router.post("/tasks/{task}/unpin")
def unpin(desk: AtDesk, task: Number) -> Shown:
    """Keep it no longer than others."""
    desk.pin(task, False)
    return desk.task(task)


@router.post("/tasks/{task}/tags")
def tag(desk: AtDesk, task: Number, tags: Tags) -> Shown:
    """Set tags of a task, and take others away."""
    desk.tag(task, tags.put, tags.drop)
    return desk.task(task)


@router.get("/tasks/{task}/history")
def show_history(desk: AtDesk, task: Number) -> list[Shown]:
    """Every change of state of a task and its builds, in order; of a removed task too."""
    return desk.history(task)


@router.delete("/tasks/{task}", status_code=204)
def remove(desk: AtDesk, task: Number) -> None:
    """Forget a task; its ISO goes with the next tick."""
    desk.remove(task)


@router.get("/builds")
def list_builds(desk: AtDesk, state: BuildState | None = None, task: Chosen = None, limit: Limit = 100) -> list[Shown]:
    """Builds, the newest first."""
    return desk.builds(task=task, state=state, limit=limit)


@router.get("/stats")
def show_stats(desk: AtDesk) -> Shown:
    """Counts of tasks, how long builds take, and how often forecasts came true."""
    return desk.stats()
