"""Files and folders that somebody wants in the system."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from isobuild.image.custom.kinds import FROZEN, Mode, Owner, Path, Text
from isobuild.image.fields import Unset, Upload


class File(BaseModel):
    """A file or, where it has no content, a folder."""

    model_config = FROZEN

    path: Path = Field(description="where it is to be, such as /etc/motd; folders above it are made")
    content: Annotated[Text | None, Field(max_length=1 << 20)] = Field(
        None, description="what it says, if it is a text"
    )
    upload: Annotated[Upload | None, Unset] = Field(None, description="or the upload that it is")
    folder: bool = Field(False, description="or a folder")
    owner: Owner = Field("root", description="the account that it belongs to")
    group: Annotated[Owner | None, Unset] = Field(None, description="the group that it belongs to; by default root")
    mode: Annotated[Mode | None, Unset] = Field(
        None, description="who may read, write and run it, in octal digits; by default 0644, of a folder 0755"
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [self.upload is not None, self.folder]
        if (bool(self.content) and any(given)) or all(given):
            raise ValueError("one of 'content', 'upload' and 'folder' for each path")
        return self

    @property
    def rights(self) -> str:
        """Its mode, whether or not that was chosen."""
        return self.mode or ("0755" if self.folder else "0644")


def table(files: Sequence[File]) -> str:
    """A line for each, as files.sh reads it: folders first, those above others before them."""
    ordered = sorted(enumerate(files), key=lambda pair: (not pair[1].folder, pair[1].path))
    return "".join("\t".join(_fields(number, file)) + "\n" for number, file in ordered)


def texts(files: Sequence[File]) -> Iterator[tuple[str, str]]:
    """The contents that are texts: name in the folder of the customisation -> text."""
    for number, file in enumerate(files):
        if not file.folder and file.upload is None:
            yield f"content/{number}", file.content or ""


def _fields(number: int, file: File) -> tuple[str, ...]:
    source = "-" if file.folder else f"custom/content/{number}"
    if file.upload:
        source = f"uploads/{file.upload.removeprefix('upload:')}"
    return source, file.rights, file.owner, file.group or "root", file.path
