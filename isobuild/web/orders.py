"""The page on which a person orders an ISO."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from isobuild.domain import tasks
from isobuild.errors import BadInput, NotFound, UnknownRecipe
from isobuild.recipes.base import Recipe
from isobuild.web.desk import AtDesk, Desk
from isobuild.web.forms import Form, beside, form_for
from isobuild.web.numbers import Chosen
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
    return render(request, "order.html", 422, recipe=found, form=form.keep(typed, errors), errors=errors)


def _find(desk: Desk, recipe: str) -> Recipe:
    try:
        return desk.cookbook.find(recipe)
    except UnknownRecipe as error:
        raise NotFound(what="recipe", given=recipe, hint=f"There are: {error.facts['allowed']}.") from None


def _order(desk: Desk, recipe: str, form: Form, typed: dict[str, str]) -> int:
    number: int = desk.order(
        recipe=recipe, options=form.chosen(typed), name=typed.get("name", ""), queue=typed.get("queue", ""),
        priority=_priority(typed.get("priority", "")),
    )["id"]  # fmt: skip
    return number


def _priority(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError:
        raise BadInput(field="priority", given=text[:80], allowed="a whole number from -1000 to 1000") from None


def _check(desk: Desk, recipe: str, form: Form, typed: dict[str, str]) -> dict[str, str]:
    """What is wrong, by field: the name and an option may be so at once, and both are told."""
    checks: tuple[Callable[[], object], ...] = (
        lambda: tasks.check_name("name", typed.get("name", "")),
        lambda: desk.cookbook.parse(recipe, form.chosen(typed)),
    )
    errors: dict[str, str] = {}
    for check in checks:
        try:
            check()
        except BadInput as error:
            errors |= beside(error)
    return errors
