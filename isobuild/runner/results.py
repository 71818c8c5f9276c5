"""What a build leaves in `out`, read with care: it is not trusted, and no link leads out of there."""

import codecs
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from isobuild.errors import BadResult
from isobuild.recipes import PLAIN, is_json

LARGEST = {"results.json": 64 << 10, "manifest": 16 << 20}  # bytes


def find(folder: Path, suffix: str) -> list[str]:
    """The names in the folder that end so; none if it is not there. Raises OSError if it is a link."""
    try:
        opened = _enter(folder)
    except FileNotFoundError:
        return []
    try:
        return [name for name in os.listdir(opened) if name.endswith(suffix)]  # noqa: PTH208 (of the open folder)
    finally:
        os.close(opened)


def open_plain(folder: Path, name: str) -> BinaryIO:
    """A plain file that is nowhere else, opened; neither a link is followed nor a pipe waited for. Raises OSError."""
    inside = _enter(folder)
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=inside)
    finally:
        os.close(inside)
    facts = os.fstat(opened)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
        return os.fdopen(opened, "rb")
    os.close(opened)
    raise OSError("it is not a plain file")


def read(folder: Path) -> dict[str, Any]:
    """The JSON object in results.json; empty if there is none. Raises BadResult."""
    file = _open_small(folder, "results.json")
    if file is None:
        return {}
    with file:
        content = file.read(LARGEST["results.json"])
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise BadResult(name="results.json", out=folder, why=f"it is not JSON: {error}") from None
    if why := _fault(found):
        raise BadResult(name="results.json", out=folder, why=why)
    return dict(found)


def _fault(found: object) -> str | None:
    if not isinstance(found, dict):
        return "it is not a JSON object"
    if not is_json(found):
        return f"it may have {PLAIN}"
    if len(json.dumps(found, separators=(",", ":"))) >= LARGEST["results.json"]:
        return "in ASCII, as databases have it, it is larger than 64 KiB"
    return None


def open_manifest(folder: Path) -> BinaryIO | None:
    """The manifest, opened at its start; None if there is none. Raises BadResult."""
    file = _open_small(folder, "manifest")
    if file is None:
        return None
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        while chunk := file.read(1 << 20):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except ValueError:
        file.close()
        raise BadResult(name="manifest", out=folder, why="it is not text in UTF-8") from None
    file.seek(0)
    return file


def _open_small(folder: Path, name: str) -> BinaryIO | None:
    try:
        file = open_plain(folder, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadResult(name=name, out=folder, why=error.strerror or error) from None
    if os.fstat(file.fileno()).st_size > LARGEST[name]:
        file.close()
        raise BadResult(name=name, out=folder, why=f"it is larger than {LARGEST[name] >> 10} KiB")
    return file


def _enter(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
