"""The page on which a person orders an ISO."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from isobuild.desk import Desk
from isobuild.domain import orders
from isobuild.domain.numbers import number_or_name
from isobuild.domain.states import AfterFailure
from isobuild.domain.wishes import Wish
from isobuild.errors import BadInput, NotFound, Refused, UnknownRecipe
from isobuild.recipes.base import Recipe
from isobuild.web.forms import Form, beside, form_for
from isobuild.web.numbers import Chosen
from isobuild.web.reception import AtDesk
from isobuild.web.typed import Typed, moment, number, seconds, tags, words
from isobuild.web.views import render

router = APIRouter(include_in_schema=False)


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
    return int(desk.order(recipe, form.chosen(typed), name=typed.get("name", ""), **_wish(typed))["id"])


def _wish(typed: dict[str, str]) -> Wish:
    """What was typed about when, after what, and the rest. Raises BadInput."""
    return Wish(
        queue=typed.get("queue", ""),
        priority=number("priority", typed, int, "a whole number from -1000 to 1000") or 0,
        not_before=moment("not_before", typed), not_after=moment("not_after", typed),
        after=[number_or_name(word) for word in words("after", typed)],
        on_dependency_failure=_policy(typed.get("on_dependency_failure", "fail")),
        tags=tags("tags", typed), fresh="fresh" in typed, iso=typed.get("iso", ""),
        without_overlapping="without_overlapping" in typed, write_last_exec="write_last_exec" in typed,
        max_attempts=number("max_attempts", typed, int, "a whole number from 1 to 100"),
        time_limit=seconds("time_limit", typed), soft_limit=seconds("soft_limit", typed), ttl=seconds("ttl", typed),
    )  # fmt: skip


def _policy(text: str) -> AfterFailure:
    try:
        return AfterFailure(text)
    except ValueError:
        allowed = ", ".join(AfterFailure)
        raise BadInput(field="on_dependency_failure", given=text[:80], allowed=allowed) from None


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
