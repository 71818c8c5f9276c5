"""The key that signs this site's ISOs: made once, shown, given to people."""

from pathlib import Path
from typing import NoReturn

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.errors import BadInput, NotFound
from isobuild.trust import keys
from isobuild.trust.keys import Key


def key(*, name: str, take: Path | None, export: bool, output: Path | None, json: bool) -> None:
    """Show the site's key; if it has none, make one, or import what is given.

    Raises BadInput, KeyExists, NotFound, HostFault.
    """
    settings = load()
    site.prepare(settings)
    there = keys.find(settings.signing)
    if take:
        found = keys.take(settings.signing, take)
    elif name or not (there or export or output):
        found = keys.make(settings.signing, name or f"isobuild on {settings.host}")
    else:
        found = there or _none()
    if output:
        _write(found.public, output)
    elif export:
        print(found.public, end="")
    elif json:
        say.value({"fingerprint": found.fingerprint, "public": found.public, "folder": str(found.folder)})
    else:
        _show(found)


def _none() -> NoReturn:
    raise NotFound(what="key", given="of this site", hint="'isobuild key' makes one, and ISOs are signed then.")


def _write(public: str, output: Path) -> None:
    try:
        output.write_text(public)
    except OSError as error:
        allowed = f"a place that can be written ({error.strerror})"
        raise BadInput(field="output", given=str(output), allowed=allowed) from None
    print(output)


def _show(found: Key) -> None:
    print(found.fingerprint)
    say.words("ISOs are signed with it. People get it from the page (/key.asc) or by 'isobuild key --export'.")
    say.words(f"Keep a copy of {found.folder}, and keep it safe: who has it can sign in this site's name.")
