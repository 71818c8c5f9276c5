"""A look ahead at an order."""

from isobuild import preview as ahead
from isobuild.cli import say, uploads
from isobuild.cli.orders import open_desk
from isobuild.domain.listing import Shown
from isobuild.errors import BadInput
from isobuild.web.words import seconds


def preview(recipe: str, options: dict[str, object], *, file: str, json: bool) -> None:
    """Print what an order would come to."""
    desk = open_desk()
    wanted = uploads.read_recipe(file) if file else {}
    recipe = recipe or str(wanted.get("recipe", ""))
    if not recipe:
        raise BadInput(field="RECIPE", given="", allowed=f"a recipe, one of {', '.join(desk.cookbook.names())}")
    shown = ahead.look(desk, recipe, uploads.bring(desk, recipe, wanted.get("options", {}) | options))
    if json:
        say.value(shown)
        return
    say.table(("", ""), _rows(shown))
    if shown["why"]:
        say.words(f"Its packages are not known yet: {shown['why']}")
    elif shown["current"] is False:
        say.words("The archives do not answer: this is by what they said last.")


def _rows(shown: Shown) -> list[tuple[str, str]]:
    rows = []
    if shown["packages"]:
        rows.append(("packages", f"{shown['packages']}, {say.size(shown['packages_size'])}"))
        rows.append(("to download", say.size(shown["download"]) if shown["download"] else "nothing"))
    if shown["reused"]:
        rows.append(("made before", ", ".join(shown["reused"])))
    size, took = shown["size"], shown["time"]
    if size:
        between = f"most likely {say.size(size['low'])} to {say.size(size['high'])}"
        rows.append(("its ISO", f"about {say.size(size['likely'])}, {between} {_told(size['builds'])}"))
    if took:
        between = f"most likely {seconds(took['low'])} to {seconds(took['high'])}"
        rows.append(("takes", f"about {seconds(took['likely'])}, {between} {_told(took['builds'])}"))
    return rows or [("nothing", "is known of this recipe's ISOs yet")]


def _told(builds: int) -> str:
    return f"(by {builds} {'build' if builds == 1 else 'builds'})" if builds else "(a guess: none was built here yet)"
