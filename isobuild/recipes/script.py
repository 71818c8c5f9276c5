"""An executable of the site's own, as in a folder scripts/: whatever makes the ISO."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from isobuild.errors import HostFault
from isobuild.image.fields import CommaList, accept, whole
from isobuild.image.step import Place, Plan, Step
from isobuild.recipes.base import Options, Recipe

FileName = Annotated[
    str,
    accept(
        whole(r"[A-Za-z0-9_][\w.+-]{0,99}"),
        "the name of a file in the site's scripts folder, without a path: letters, digits, '.', '_', '+' and '-'",
    ),
]
Argument = Annotated[str, accept(whole(r"[^\0]{0,4096}"), "a text of up to 4096 characters")]


class ScriptOptions(Options):
    """What may be chosen about a script."""

    script: FileName = Field(description="the name of an executable in the site's scripts folder")
    arguments: Annotated[tuple[Argument, ...], CommaList] = Field((), max_length=100, description="its arguments")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="anything else it should know; it reads them as JSON"
    )

    @field_validator("script")
    @classmethod
    def _exists(cls, name: str, info: ValidationInfo) -> str:
        site: Path | None = (info.context or {}).get("site")
        if site and name not in _scripts(site):
            raise ValueError(
                f"an executable in the site's scripts folder: {', '.join(_scripts(site)) or 'it is empty'}"
            )
        return name

    @field_validator("settings", mode="before")
    @classmethod
    def _parsed(cls, value: object) -> object:
        try:
            return json.loads(value or "{}") if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f'a JSON object, such as {{"theme": "dark"}} ({error})') from None


class Script(Recipe):
    """One step: the script, under the contract that every step has."""

    name: ClassVar[str] = "script"
    title: ClassVar[str] = "Script: an executable of this site makes the ISO"
    version: ClassVar[int] = 1
    Options: ClassVar[type[Options]] = ScriptOptions

    def plan(self, options: ScriptOptions, place: Place) -> Plan:
        """Run it, under the contract of every step; its settings are in the file $ISOBUILD_SETTINGS."""
        if place.site is None:
            raise HostFault(what="This site has no folder of its own, so it has no scripts: set 'site'.")
        env = {"ISOBUILD_SETTINGS": f"{place.inputs / 'settings.json'}"}
        argv = (f"{place.site / 'scripts' / options.script}", *options.arguments)
        settings = json.dumps(options.settings, indent=2, sort_keys=True) + "\n"
        return Plan({"settings.json": settings}, (Step(options.script, argv, weight=60, env=env),))

    def inputs(self, options: ScriptOptions, site: Path | None) -> Mapping[str, Path]:
        """The script."""
        return {options.script: site / "scripts" / options.script} if site else {}


def _scripts(site: Path) -> list[str]:
    return sorted(path.name for path in (site / "scripts").glob("*") if path.is_file() and os.access(path, os.X_OK))
