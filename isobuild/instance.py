"""The name of an installation, by which the others that share its database tell it from themselves."""

import os
import re
import uuid
from contextlib import suppress
from pathlib import Path

from isobuild.errors import InvalidSetting

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def instance(file: Path) -> str:
    """The UUID in this file; whoever is the first to ask makes it. Raises InvalidSetting if there is something else."""
    if not file.exists():
        _make(file)
    found = file.read_text(errors="replace").strip()
    if not UUID.fullmatch(found):
        allowed = "a UUID in small letters; remove the file, and another one is made"
        raise InvalidSetting(field="instance", given=found[:80], allowed=allowed, source=file)
    return found


def _make(file: Path) -> None:
    """The file appears whole or not at all, and never instead of another's."""
    name = str(uuid.uuid4())
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{name}")
    with beside.open("w") as opened:
        opened.write(f"{name}\n")
        opened.flush()
        os.fsync(opened.fileno())
    with suppress(FileExistsError):  # somebody else was the first
        os.link(beside, file)
    beside.unlink()
