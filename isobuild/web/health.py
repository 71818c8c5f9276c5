"""Whether it works, for those who watch."""

from fastapi import APIRouter

from isobuild.domain import tasks
from isobuild.web.problems import Problem
from isobuild.web.reception import AtDesk

router = APIRouter(tags=["health"])
DOWN = {"model": Problem, "content": {"application/problem+json": {}}, "description": "The database can't be reached"}


@router.head("/health", include_in_schema=False)
@router.get("/health", responses={503: DOWN})
def health(desk: AtDesk) -> dict[str, str]:
    """Ask the database for a task; 503 says why it can't."""
    with desk.db.read() as session:
        tasks.oldest(session)
    return {"status": "ok"}
