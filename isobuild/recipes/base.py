"""What a recipe is: a name, words for people, options, and a plan made of them."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from isobuild.image.step import Place, Plan


class Options(BaseModel):
    """What a person may choose about a recipe. Each field has a description in words for people."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recipe(ABC):
    """How a kind of ISO is made. Pure: no database, no clock, no commands run; the same input gives the same plan."""

    name: ClassVar[str]
    """As people type it: the module's name, with hyphens."""
    title: ClassVar[str]
    """One line for people."""
    version: ClassVar[int]
    """Raised when the same options come to give another ISO."""
    Options: ClassVar[type[BaseModel]]

    @abstractmethod
    def plan(self, options: Any, place: Place) -> Plan:
        """The files and steps that leave the ISO at `place.out / place.iso`; `options` is an instance of `Options`.

        Raises HostFault if this host lacks what the recipe needs.
        """
