"""The page on which a person orders an ISO."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from isobuild.desk import Desk, Wish
from isobuild.domain import orders
from isobuild.domain.states import AfterFailure
from isobuild.errors import BadInput, NotFound, Refused, UnknownRecipe
from isobuild.recipes.base import Recipe
from isobuild.web.forms import Form, beside, form_for
from isobuild.web.numbers import Chosen
from isobuild.web.reception import AtDesk
from isobuild.web.views import render

router = APIRouter(include_in_schema=False)


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Typed = Annotated[dict[str, str], Depends(_typed)]


@router.api_route("/order/{recipe}", methods=["GET", "HEAD"])
def show_form(request: Request, desk: AtDesk, recipe: str, like: Chosen = None) -> Response:
    """The form for a recipe; with the options of task `like`, if one is named."""
    found = _find(desk, recipe)
    form = form_for(found.Options, desk.settings)
    if like:
        form = form.like(desk.task(like)["options"])
    return render(request, "order.html", recipe=found, form=form, errors={})


@router.post("/order/{recipe}")
def take_order(request: Request, desk: AtDesk, recipe: str, typed: Typed) -> Response:
    """Order; or show the form again, with what was typed and what is wrong beside it."""
    found = _find(desk, recipe)
    form = form_for(found.Options, desk.settings)
    errors = _check(desk, recipe, form, typed)
    if not errors:
        try:
            return RedirectResponse(f"/tasks/{_order(desk, recipe, form, typed)}", 303)
        except BadInput as error:
            errors = beside(error)
        except Refused as error:  # what was typed must not be lost
            errors = {"": str(error)}
    return render(request, "order.html", 422, recipe=found, form=form.keep(typed, errors), errors=errors)


def _find(desk: Desk, recipe: str) -> Recipe:
    try:
        return desk.cookbook.find(recipe)
    except UnknownRecipe as error:
        raise NotFound(what="recipe", given=recipe, hint=f"There are: {error.facts['allowed']}.") from None


def _order(desk: Desk, recipe: str, form: Form, typed: dict[str, str]) -> int:
    number: int = desk.order(recipe, form.chosen(typed), name=typed.get("name", ""), **_wish(typed))["id"]
    return number


def _wish(typed: dict[str, str]) -> Wish:
    """What was typed about when and after what. Raises BadInput."""
    return Wish(
        queue=typed.get("queue", ""), priority=_priority(typed.get("priority", "")),
        not_before=_time("not_before", typed), not_after=_time("not_after", typed),
        after=[int(word) if word.isdecimal() else word for word in _words(typed.get("after", ""))],
        on_dependency_failure=_policy(typed.get("on_dependency_failure", "fail")),
        tags={tag: value for tag, _, value in (word.partition("=") for word in _words(typed.get("tags", "")))},
        fresh="fresh" in typed,
    )  # fmt: skip


def _priority(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError:
        raise BadInput(field="priority", given=text[:80], allowed="a whole number from -1000 to 1000") from None


def _time(field: str, typed: dict[str, str]) -> datetime | None:
    text = typed.get(field, "")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        raise BadInput(field=field, given=text[:80], allowed="a time such as 2026-11-22T03:00, in UTC") from None


def _policy(text: str) -> AfterFailure:
    try:
        return AfterFailure(text)
    except ValueError:
        allowed = ", ".join(AfterFailure)
        raise BadInput(field="on_dependency_failure", given=text[:80], allowed=allowed) from None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _check(desk: Desk, recipe: str, form: Form, typed: dict[str, str]) -> dict[str, str]:
    """What is wrong, by field: the name and an option may be so at once, and both are told."""
    checks: tuple[Callable[[], object], ...] = (
        lambda: orders.check_name("name", typed.get("name", "")),
        lambda: desk.cookbook.parse(recipe, form.chosen(typed)),
    )
    errors: dict[str, str] = {}
    for check in checks:
        try:
            check()
        except BadInput as error:
            errors |= beside(error)
    return errors
