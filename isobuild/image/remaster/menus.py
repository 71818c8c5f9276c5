"""Changes the boot menus of an ISO, those of GRUB and of ISOLINUX:

    python3 menus.py INPUTS WORK

INPUTS/stages/medium is what look.py left; INPUTS/menu.json says the `title` of the first line that starts the live
system, how many seconds the menu waits (`timeout`), what is added to the kernel's command line (`arguments`), and
which upload is the picture behind it (`background`). What changes lies in WORK/medium then, by its path in the ISO. It
ends with 65 and a sentence if there is nowhere to put the picture. It needs nothing but Python.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

WRONG = 65  # the order can't be followed
CONSOLES = ("console=tty0", "console=ttyS0,115200")  # the boot test listens to the second
STARTS = {
    "grub": re.compile(r"^\s*linux\w*\s+\S+\s.*\bboot=live\b"),
    "isolinux": re.compile(r"^\s*append\s.*\bboot=live\b", re.IGNORECASE),
}
TITLES = {
    "grub": re.compile(r"""^(\s*menuentry\s+)("[^"]*"|'[^']*')(.*)$"""),
    "isolinux": re.compile(r"^(\s*menu label\s+)(.*)()$", re.IGNORECASE),
}
WAITS = {
    "grub": re.compile(r"^(\s*set timeout=).*$", re.MULTILINE),
    "isolinux": re.compile(r"^(\s*timeout\s+)\d+\s*$", re.MULTILINE | re.IGNORECASE),
}
MAIN = {"grub": re.compile(r".*/grub\.cfg"), "isolinux": re.compile(r".*/(isolinux|syslinux|extlinux)\.(cfg|conf)")}
PICTURES = re.compile(r"/(isolinux|syslinux|boot/grub)/(splash|background)\.(png|jpg)")
SUFFIXES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}
Texts = dict[str, str]


def kind(path: str) -> str:
    """Whose menu this is."""
    return "isolinux" if "linux" in path else "grub"


def change(texts: Mapping[str, str], wanted: Mapping[str, Any]) -> Texts:
    """The menus as they are to be: path -> text."""
    menus = {path: with_arguments(text, kind(path), wanted["arguments"]) for path, text in texts.items()}
    for each in ("grub", "isolinux"):
        own = {path: text for path, text in menus.items() if kind(path) == each}
        if wanted["title"]:
            own = first(own, lambda text, each=each: with_title(text, each, wanted["title"]))  # type: ignore[misc]
        menus |= with_timeout(own, each, wanted["timeout"])
    return menus


def with_arguments(text: str, kind: str, arguments: Sequence[str]) -> str:
    """Each line that starts the live system, with these arguments too, and with a serial console if it has none."""
    return "\n".join(
        _added(line, arguments) if STARTS[kind].match(line) else line for line in text.split("\n")
    )  # fmt: skip


def _added(line: str, arguments: Sequence[str]) -> str:
    consoles = () if "console=" in line else CONSOLES
    words = " ".join(word for word in (*arguments, *consoles) if word not in line.split())
    before, dashes, after = line.rstrip().partition(" ---")
    return f"{before} {words}{dashes}{after}" if words else line


def with_title(text: str, kind: str, title: str) -> str:
    """The title of the first line that starts the live system; the same text if there is none."""
    lines = text.split("\n")
    starts = next((number for number, line in enumerate(lines) if STARTS[kind].match(line)), 0)
    for number in range(starts, -1, -1):
        if starts and (found := TITLES[kind].match(lines[number])):
            said = '"' + re.sub(r'(["$\\])', r"\\\1", title) + '"' if kind == "grub" else title
            return "\n".join([*lines[:number], f"{found[1]}{said}{found[3]}", *lines[number + 1 :]])
    return text


def first(texts: Texts, edit: Callable[[str], str]) -> Texts:
    """The texts, with that one edited where it changes something first."""
    for path, text in texts.items():
        if (edited := edit(text)) != text:
            return texts | {path: edited}
    return texts


def with_timeout(texts: Texts, kind: str, seconds: int) -> Texts:
    """The texts, so that the menu waits so long; where none of them says how long, the main one does."""
    wait = f"{seconds}" if kind == "grub" else f"{seconds * 10}"  # in tenths
    told = {path: WAITS[kind].sub(rf"\g<1>{wait}", text) for path, text in texts.items()}
    if any(WAITS[kind].search(text) for text in texts.values()):
        return told
    line = f"set timeout={wait}\n" if kind == "grub" else f"timeout {wait}\n"
    return {path: line + text if MAIN[kind].fullmatch(path) else text for path, text in told.items()}


def pictures(paths: Sequence[str], upload: Path) -> Iterator[str]:
    """Where the picture goes: GRUB goes by a file's suffix."""
    with upload.open("rb") as file:
        begin = file.read(4)
    suffix = next((each for magic, each in SUFFIXES.items() if begin.startswith(magic)), "")
    for path in paths:
        if (found := PICTURES.fullmatch(path)) and found[3] == suffix:
            yield path


def main(inputs: str, work: str) -> int:
    """Change them; the exit status."""
    medium = Path(inputs, "stages", "medium")
    facts, wanted = (json.loads(file.read_text()) for file in (medium / "facts.json", Path(inputs, "menu.json")))
    read = {path: (medium / name).read_text(errors="surrogateescape") for path, name in facts["texts"].items()}
    old = {path: text for path, text in read.items() if path.endswith((".cfg", ".conf"))}
    new = Path(work, "medium")
    new.mkdir()
    for path, text in change(old, wanted).items():
        if text != old[path]:
            _place(new, path).write_text(text, errors="surrogateescape")
    if not any(STARTS[kind(path)].match(line) for path, text in old.items() for line in text.split("\n")):
        print("W: no boot menu of this ISO was understood: it is left as it is")
    if not wanted["background"]:
        return 0
    upload = Path(inputs, "uploads", wanted["background"])
    found = list(pictures(facts["files"], upload))
    for path in found:
        shutil.copyfile(upload, _place(new, path))
    if not found:
        print("E: background: the boot menu of this ISO has no picture of this kind (PNG, JPEG)", file=sys.stderr)
    return 0 if found else WRONG


def _place(folder: Path, path: str) -> Path:
    target = folder / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
