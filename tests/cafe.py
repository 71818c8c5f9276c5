"""A recipe of a site's own with every kind of option: secrets, uploads, models in lists."""

from pathlib import Path

RECIPE = """
from typing import Annotated, Any, Literal
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from isobuild.image.fields import MULTILINE, OR_UPLOAD, CommaList, Secret, Unset, Upload
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class Guest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(description="who comes", min_length=2)
    password: Secret | None = Field(None, description="what is whispered at the door")
    keys: tuple[Secret, ...] = Field((), description="keys, one a line")
    groups: Annotated[tuple[str, ...], CommaList] = Field((), description="with whom")
    vip: bool = Field(False, description="whether it is somebody important")
    picture: Annotated[Upload | None, Unset] = Field(None, description="of the guest")

class Oven(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    heat: int = Field(180, ge=50, le=300, description="degrees")
    code: Secret = Field("", description="its code")

class CafeOptions(Options):
    cups: int = Field(2, ge=1, description="how many")
    sizes: tuple[Literal["small", "large"], ...] = Field((), description="of cups")
    guests: tuple[Guest, ...] = Field((), description="who is expected", json_schema_extra={"group": "People"})
    oven: Oven = Field(Oven(), description="the oven", json_schema_extra={"group": "Kitchen"})
    menu: Annotated[str, MULTILINE] = Field("", description="what there is", json_schema_extra={"group": "Kitchen"})
    picture: Annotated[Upload | None, Unset] = Field(None, description="the wall", json_schema_extra={"group": "Look"})
    theme: Annotated[str, OR_UPLOAD] = Field("plain", description="or a file", json_schema_extra={"group": "Look"})
    pin: SecretStr | None = Field(None, description="of the till")

class Cafe(Recipe):
    name, title, version, Options = "cafe", "Cafe: coffee and cake", 1, CafeOptions

    def plan(self, options, place):
        pin = options.pin.get_secret_value() if options.pin else ""
        said = 'echo "pin is $1"; echo "isobuild: 50% with $1"; cat "$ISOBUILD_IN/pin" "$ISOBUILD_OPTIONS"; '
        kept = 'cp "$ISOBUILD_OPTIONS" "$ISOBUILD_OUT/x.iso"; cat "$ISOBUILD_IN"/uploads/* >>"$ISOBUILD_OUT/x.iso"; '
        told = 'printf "{\\\\"pin\\\\": \\\\"%s\\\\"}" "$1" >"$ISOBUILD_OUT/results.json"; '
        end = '[ "$1" != "bad secret" ] || { echo "bad pin: $1" >&2; exit 65; }'
        step = Step("brew", ("sh", "-c", said + kept + told + end, "sh", pin))
        return Plan({"pin": f"pin: {pin}\\n", "note": "for everybody\\n"}, (step,))
"""


def open_cafe(home: Path) -> None:
    """Give a site this recipe."""
    (home / "recipes").mkdir(exist_ok=True)
    (home / "recipes" / "cafe.py").write_text(RECIPE)
