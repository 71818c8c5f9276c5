"""The page on which a person orders an ISO."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from isobuild import intake, preview, recipe_files
from isobuild.desk import Desk
from isobuild.domain import orders
from isobuild.domain.listing import Shown
from isobuild.domain.numbers import number_or_name
from isobuild.domain.states import AfterFailure
from isobuild.domain.wishes import Wish
from isobuild.errors import BadInput, HostFault, NotFound, Refused, TooLarge, UnknownRecipe
from isobuild.recipes.base import Recipe
from isobuild.web.fields import DROP, FILE
from isobuild.web.forms import BOOT_TESTS, Form, beside, form_for, numbered, without_row
from isobuild.web.numbers import Chosen
from isobuild.web.reception import AtDesk
from isobuild.web.typed import Brought, Typed, moment, number, seconds, tags, words
from isobuild.web.views import is_part, render

router = APIRouter(include_in_schema=False)
NO_ERRORS: Mapping[str, str] = MappingProxyType({})


@router.api_route("/order/{recipe}", methods=["GET", "HEAD"])
def show_form(request: Request, desk: AtDesk, recipe: str, like: Chosen = None) -> Response:
    """The form for a recipe; with the options of task `like`, if one is named."""
    found = _find(desk, recipe)
    form = form_for(found.Options, desk.settings)
    if like:
        form = form.like(desk.task(like)["options"])
    return _show(request, desk, found, form, like=like)


@router.post("/order")
def show_from_file(request: Request, desk: AtDesk, brought: Brought) -> Response:
    """The form, filled from a recipe file."""
    file = brought.get("file")
    if file is None:
        raise BadInput(field="file", given="nothing", allowed=recipe_files.ALLOWED)
    text = file.file.read(recipe_files.LARGEST + 1)
    wanted = recipe_files.read(text, recipe_files.form_of(file.filename or ""))
    found = _find(desk, wanted["recipe"])
    form = form_for(found.Options, desk.settings).like(wanted.get("options", {}))
    return _show(request, desk, found, form.named(str(wanted.get("name", ""))))


@router.post("/order/{recipe}")
def take_order(request: Request, desk: AtDesk, recipe: str, sent: Typed, brought: Brought) -> Response:
    """Order; or show the form again, with what was typed and what is wrong beside it, or with one row more or less."""
    found = _find(desk, recipe)
    form = form_for(found.Options, desk.settings)
    typed, errors = _take_files(desk, form, sent, brought)
    if "add" in typed or "drop" in typed:
        changed = form.keep(without_row(typed, typed.get("drop", "")), {}).with_row(typed.get("add", ""))
        return _show(request, desk, found, changed, like=_like(typed))
    typed = numbered(form, typed)
    if "preview" in typed:
        return _preview(request, desk, found, form, typed)
    errors |= form.missing(typed) or _check(desk, recipe, form, typed)
    if not errors:
        try:
            return RedirectResponse(f"/tasks/{_order(desk, recipe, form, typed)}", 303)
        except BadInput as error:
            errors = beside(error)
        except Refused as error:  # what was typed must not be lost
            errors = {"": str(error)}
    return _show(request, desk, found, form.keep(typed, errors), errors, _like(typed))


def _show(
    request: Request, desk: Desk, recipe: Recipe, form: Form, errors: Mapping[str, str] = NO_ERRORS,
    like: int | None = None, ahead: Shown | None = None, wrong: Mapping[str, str] = NO_ERRORS,
) -> Response:  # fmt: skip
    names = {each.value: desk.uploads.name(each.value) for each in form.fields if each.value.startswith("upload:")}
    status = 422 if errors else 200
    return render(
        request, "order.html", status, recipe=recipe, form=form, errors=errors, like=like, names=names,
        preview=ahead, wrong=wrong,
    )  # fmt: skip


def _preview(request: Request, desk: Desk, recipe: Recipe, form: Form, typed: dict[str, str]) -> Response:
    """The form with what the order would come to, or that part of the page alone."""
    shown, wrong = None, form.missing(typed)
    try:
        shown = None if wrong else preview.look(desk, recipe.name, form.chosen(typed), like=_like(typed))
    except BadInput as error:
        wrong = beside(error)
    except HostFault as error:
        wrong = {"": f"{error}"}
    if is_part(request):
        return render(request, "_preview.html", recipe=recipe, form=form, preview=shown, wrong=wrong)
    return _show(request, desk, recipe, form.keep(typed, {}), like=_like(typed), ahead=shown, wrong=wrong)


def _take_files(
    desk: Desk, form: Form, typed: dict[str, str], brought: Mapping[str, UploadFile]
) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed, with the uploads that the files have become; and what is wrong with files."""
    taken, errors = dict(typed), {}
    known = form.uploads(typed | dict.fromkeys((name.removeprefix(FILE) for name in brought), ""))
    for name, file in brought.items():
        field = name.removeprefix(FILE)
        if field in known:
            try:
                taken[field] = desk.uploads.put(file.file, file.filename or "").upload
            except TooLarge as error:
                errors[field] = f"{file.filename} is too large: {error.facts['allowed']}"
    for name in (name for name in typed if name.startswith(DROP)):
        taken[name.removeprefix(DROP)] = ""
    return taken, errors


def _like(typed: Mapping[str, str]) -> int | None:
    text = typed.get("like", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


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
        boot_test=_boot_test(typed.get("boot_test", BOOT_TESTS[0])), like=_like(typed),
    )  # fmt: skip


def _boot_test(text: str) -> bool | None:
    if text not in BOOT_TESTS:
        raise BadInput(field="boot_test", given=text[:80], allowed=", ".join(BOOT_TESTS))
    return (None, True, False)[BOOT_TESTS.index(text)]


def _policy(text: str) -> AfterFailure:
    try:
        return AfterFailure(text)
    except ValueError:
        allowed = ", ".join(AfterFailure)
        raise BadInput(field="on_dependency_failure", given=text[:80], allowed=allowed) from None


def _choose(desk: Desk, recipe: str, form: Form, typed: dict[str, str]) -> None:
    with desk.db.read() as session:
        earlier = intake.earlier(session, _like(typed), recipe, desk.user)
    intake.choose(desk.cookbook, desk.uploads, recipe, form.chosen(typed), earlier)


def _check(desk: Desk, recipe: str, form: Form, typed: dict[str, str]) -> dict[str, str]:
    """What is wrong, by field: the name and an option may be so at once, and both are told."""
    checks: tuple[Callable[[], object], ...] = (
        lambda: orders.check_name("name", typed.get("name", "")),
        lambda: _choose(desk, recipe, form, typed),
    )
    errors: dict[str, str] = {}
    for check in checks:
        try:
            check()
        except BadInput as error:
            errors |= beside(error)
    return errors
