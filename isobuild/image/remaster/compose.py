"""Puts together what is new on an ISO that is changed:

    python3 compose.py INPUTS WORK

INPUTS/stages has what look.py left of the old one, and the stages; WORK/medium what is new beside them, by its path in
the ISO. WORK/burn says it all to xorriso then: the layers under names that live-boot sorts last, the first file
systems in the place of the old ones, and the lists and checksums of the ISO made right. It needs nothing but Python.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from itertools import count
from pathlib import Path
from typing import Any

STAGES = ("packages", "custom")
SUMS = re.compile(r"/(md5|sha1|sha256|sha512)sums?(\.txt)?", re.IGNORECASE)
SUM = re.compile(r"(?P<sum>[0-9a-f]{32,128})(?P<mark> [ *])(?P<root>\.?/?)(?P<path>.+)")
New = dict[str, Path]


def names(last: str, wanted: Sequence[str]) -> list[str]:
    """The names of layers, which sort after the last one, and in this order: z01-packages.squashfs …"""
    for front in ("z" * times for times in count(1)):
        for number in range(1, 100 - len(wanted)):
            if f"{front}{number:02}" > last[: len(front) + 2]:
                return [f"{front}{number + place:02}-{name}.squashfs" for place, name in enumerate(wanted)]
    raise AssertionError


def layers(facts: Mapping[str, Any], stages: Path) -> New:
    """The new layers: path in the ISO -> file."""
    made = [name for name in STAGES if (stages / name / f"{name}.squashfs").exists()]
    last = max(path.rpartition("/")[2] for path in facts["layers"])
    paths = (f"/live/{name}" for name in names(last, made))
    return {path: stages / name / f"{name}.squashfs" for path, name in zip(paths, made, strict=True)}


def initrds(lines: str, stages: Path) -> New:
    """The first file systems that were made anew."""
    paths = (line.split(maxsplit=1)[1] for line in lines.splitlines())
    return {path: file for path in paths if (file := stages / "packages" / path.rpartition("/")[2]).exists()}


def lists(texts: Mapping[str, str], new_layers: Sequence[str], manifest: str) -> dict[str, str]:
    """The lists of layers and packages, as they are now."""
    found = {}
    for path, text in texts.items():
        if path.endswith(".module"):
            found[path] = "".join(f"{name}\n" for name in [*text.split(), *(each[6:] for each in new_layers)])
        elif path == "/live/filesystem.packages":
            found[path] = _like(text, manifest)
    return found


def _like(text: str, manifest: str) -> str:
    if "\t" not in text:
        return manifest
    return "".join("\t".join(line.split()[:2]) + "\n" for line in manifest.splitlines())


def sums(path: str, text: str, new: Mapping[str, Path]) -> str:
    """A list of checksums, as they are now."""
    algorithm = path[1:].lower().partition("sum")[0]
    left = {each: digest(file, algorithm) for each, file in new.items()}
    lines, style = [], ("  ", "./")
    for line in text.splitlines():
        if (found := SUM.fullmatch(line)) is None:
            lines.append(line)
            continue
        style = found["mark"], found["root"]
        now = left.pop(f"/{found['path']}", found["sum"])
        lines.append(f"{now}{found['mark']}{found['root']}{found['path']}")
    lines += [f"{now}{style[0]}{style[1]}{each[1:]}" for each, now in sorted(left.items())]
    return "".join(f"{line}\n" for line in lines)


def digest(file: Path, algorithm: str) -> str:
    """The checksum of a file."""
    with file.open("rb") as opened:
        return file_digest(opened, algorithm).hexdigest()


def commands(facts: Mapping[str, Any], new: Mapping[str, Path]) -> Iterator[str]:
    """What xorriso is to do, a line each; boot loaders may know an ISO by its date, so that is kept."""
    if facts["joliet"]:
        yield "-joliet on"
    if facts["date"]:
        yield f"-volume_date uuid {facts['date']}"
    for path, file in sorted(new.items()):
        yield f"-map {quote(f'{file}')} {quote(path)}"
        yield f"-chown 0 {quote(path)} --"
        yield f"-chgrp 0 {quote(path)} --"
        yield f"-chmod 0444 {quote(path)} --"


def quote(word: str) -> str:
    """The word as xorriso reads it."""
    return "'" + word.replace("'", "'\"'\"'") + "'"


def main(inputs: str, work: str) -> None:
    """Put it together."""
    stages, brought = Path(inputs, "stages"), Path(work, "medium")
    medium = stages / "medium"
    facts = json.loads((medium / "facts.json").read_text())
    texts = {path: (medium / name).read_text(errors="surrogateescape") for path, name in facts["texts"].items()}
    added = layers(facts, stages)
    new = {f"/{each.relative_to(brought)}": each for each in brought.rglob("*") if each.is_file()}
    new |= added | initrds((medium / "initrds").read_text(), stages)
    for path, text in lists(texts, list(added), (stages / "custom" / "manifest").read_text()).items():
        new[path] = _write(brought, path, text)
    checked = [path for path in texts if SUMS.fullmatch(path)]
    new |= {path: _write(brought, path, sums(path, texts[path], dict(new))) for path in checked}
    Path(work, "burn").write_text("".join(f"{line}\n" for line in commands(facts, new)))


def _write(folder: Path, path: str, text: str) -> Path:
    target = folder / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, errors="surrogateescape")
    return target


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
