"""Files and folders that somebody wants in the system."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from isobuild.image.custom.kinds import FROZEN, Mode, Owner, Path, Text
from isobuild.image.fields import Tree, Unset, Upload


class File(BaseModel):
    """A file, a folder, or a folder with all that a tar has in it."""

    model_config = FROZEN

    path: Path = Field(description="where it is to be, such as /etc/motd; folders above it are made")
    content: Annotated[Text | None, Field(max_length=1 << 20)] = Field(
        None, description="what it says, if it is a text"
    )
    upload: Annotated[Upload | None, Unset] = Field(None, description="or the upload that it is")
    folder: bool = Field(False, description="or a folder")
    tree: Annotated[Tree | None, Unset] = Field(
        None, description="or a folder with what is in this upload, a tar, with the modes that it has there"
    )
    owner: Owner = Field("root", description="the account that it belongs to")
    group: Annotated[Owner | None, Unset] = Field(None, description="the group that it belongs to; by default root")
    mode: Annotated[Mode | None, Unset] = Field(
        None, description="who may read, write and run it, in octal digits; by default 0644, of a folder 0755"
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [bool(self.content), self.upload is not None, self.tree is not None, self.folder]
        if sum(given) > 1:
            raise ValueError("one of 'content', 'upload', 'folder' and 'tree' for each path")
        if self.tree and self.mode:
            raise ValueError("no 'mode' for a 'tree': each file has the one that it has in the tar")
        return self

    @property
    def rights(self) -> str:
        """Its mode, whether or not that was chosen; "-" if a tar has it."""
        if self.tree:
            return "-"
        return self.mode or ("0755" if self.folder else "0644")


def table(files: Sequence[File]) -> str:
    """A line for each, as files.sh reads it: folders first, those above others before them; then what is in tars."""
    ordered = sorted(enumerate(files), key=lambda pair: (not pair[1].folder, not pair[1].tree, pair[1].path))
    return "".join("\t".join(_fields(number, file)) + "\n" for number, file in ordered)


def texts(files: Sequence[File]) -> Iterator[tuple[str, str]]:
    """The contents that are texts: name in the folder of the customisation -> text."""
    for number, file in enumerate(files):
        if not (file.folder or file.upload or file.tree):
            yield f"content/{number}", file.content or ""


def _fields(number: int, file: File) -> tuple[str, ...]:
    source = "-" if file.folder else f"custom/content/{number}"
    if brought := file.upload or file.tree:
        source = f"uploads/{brought.removeprefix('upload:')}"
    return source, file.rights, file.owner, file.group or "root", file.path
