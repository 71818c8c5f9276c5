"""A recipe whose packages come of a small archive on this machine: nothing of it is built, all of it is looked up."""

from pathlib import Path

from archives import SmallArchive

RECIPE = """
from typing import Annotated, Literal
from pydantic import Field
from isobuild.image.fields import CommaList, Secret
from isobuild.image.snapshot import Layer
from isobuild.image.step import Plan, Step
from isobuild.recipes.base import Options, Recipe

class TeaOptions(Options):
    packages: Annotated[tuple[str, ...], CommaList] = Field((), description="what is on the tray")
    exclude: Annotated[tuple[str, ...], CommaList] = Field((), description="what is not")
    service: Literal["none", "cup", "wine"] = Field("none", description="how it is served")
    password: Secret | None = Field(None, description="what is whispered at the door")
    mirror: str = Field("{uri}", description="where it comes from")
    repositories: tuple[dict[str, str], ...] = Field((), description="and what else")

class Tea(Recipe):
    name = "tea"
    title = "Tea: from a small archive"
    version = 1
    Options = TeaOptions

    def plan(self, options, place):
        return Plan({{}}, (Step("brew", ("true",)),), packages=place.packages)

    def layers(self, options, apt):
        debian = "".join(
            f"Types: deb\\nURIs: {{options.mirror}}\\nSuites: {{suite}}\\nComponents: main\\nTrusted: yes\\n\\n"
            for suite in {suites!r}
        )
        more = "".join(
            f"Types: deb\\nURIs: {{each['uri']}}\\nSuites: tea\\nComponents: main\\nSigned-By: {{each['key']}}\\n\\n"
            for each in options.repositories
        )
        served = () if options.service == "none" else (options.service,)
        names = " ".join(options.exclude)
        never = f"Package: {{names}}\\nPin: release *\\nPin-Priority: -1\\n" if names else ""
        return (
            Layer("base", ("water",), debian),
            Layer(
                "packages", (*options.packages, *served), debian + more, preferences=never,
                asked=dict.fromkeys(served, "service"),
            ),
        )
"""


def stock(folder: Path) -> SmallArchive:
    """An archive with a few packages that need each other, and some that can't be had."""
    made = SmallArchive(folder)
    made.folder.mkdir(exist_ok=True)
    made.add("water")
    made.add("cup", Depends="water", Recommends="saucer")
    made.add("saucer")
    made.add("kettle", "2:1.5-1", Depends="water (>= 1.0)")
    made.add("ice", Depends="cold")
    made.add("cold")
    made.add("bucket", Depends="ice")
    made.add("lake", Depends="water (>= 2)")
    made.add("tea", Depends="leaf")
    made.add("leaf", Conflicts="bean")
    made.add("coffee", Depends="bean")
    made.add("bean")
    made.add("black", Conflicts="white")
    made.add("white")
    made.add("cream", Depends="white")
    made.add("pot-a", Provides="pot")
    made.add("pot-b", Provides="pot")
    made.add("mocha", Depends="syrup | caramel")
    made.add("latte", Depends="mocha")
    made.publish()
    return made


def open_house(home: Path, archive: SmallArchive, *suites: str) -> None:
    """Put the recipe among a site's own, with these suites of the archive, which is served."""
    (home / "recipes").mkdir(exist_ok=True)
    (home / "recipes" / "tea.py").write_text(RECIPE.format(uri=archive.uri, suites=suites or ("tea",)))
