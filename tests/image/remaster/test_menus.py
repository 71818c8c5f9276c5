"""Boot menus of other people's ISOs: what changes in them, and that nothing else does."""

import json
from pathlib import Path
from typing import Any

import pytest

from isobuild.image.remaster import menus

GRUB = """\
set default=0
menuentry "Live system (amd64)" --hotkey=l {
\tlinux\t/live/vmlinuz-6.1 boot=live components quiet findiso=${iso_path}
\tinitrd\t/live/initrd.img-6.1
}
menuentry 'fail-safe' {
\tlinux\t/live/vmlinuz-6.1 boot=live nomodeset --- quiet
}
menuentry 'Install' {
\tlinux\t/install/vmlinuz vga=788 --- quiet
}
# linux /live/vmlinuz boot=live
"""
LIVE = """\
label live
\tmenu label ^Live system
\tlinux /live/vmlinuz
\tappend boot=live components quiet

label installer
\tmenu label ^Install
\tappend vga=788
"""
ISOLINUX = "include menu.cfg\ndefault vesamenu.c32\nprompt 0\ntimeout 0\n"
TEXTS = {"/boot/grub/grub.cfg": GRUB, "/isolinux/live.cfg": LIVE, "/isolinux/isolinux.cfg": ISOLINUX}
NOTHING: dict[str, Any] = {"title": "", "timeout": 5, "arguments": [], "background": ""}
PNG = b"\x89PNG\r\n\x1a\n"


def changed(**wanted: Any) -> dict[str, list[str]]:
    """The lines that are new, by their menu."""
    found = menus.change(TEXTS, {**NOTHING, **wanted})
    lines = {path: text.split("\n") for path, text in found.items()}
    return {path: [line for line in lines[path] if line not in TEXTS[path].split("\n")] for path in lines}


def test_a_console_is_added_for_the_boot_test_and_a_menu_that_waited_for_ever_does_not() -> None:
    consoles = "console=tty0 console=ttyS0,115200"
    assert changed() == {
        "/boot/grub/grub.cfg": [
            "set timeout=5",
            f"\tlinux\t/live/vmlinuz-6.1 boot=live components quiet findiso=${{iso_path}} {consoles}",
            f"\tlinux\t/live/vmlinuz-6.1 boot=live nomodeset {consoles} --- quiet",
        ],
        "/isolinux/live.cfg": [f"\tappend boot=live components quiet {consoles}"],
        "/isolinux/isolinux.cfg": ["timeout 50"],
    }


def test_arguments_are_added_once() -> None:
    once = menus.with_arguments(GRUB, "grub", ["persistence", "quiet"])
    assert " findiso=${iso_path} persistence console=tty0 " in once
    assert menus.with_arguments(once, "grub", ["persistence", "quiet"]) == once


def test_a_console_that_is_chosen_stays_the_only_one() -> None:
    assert "ttyS0" not in menus.with_arguments(GRUB.replace("quiet", "console=tty1"), "grub", []).split("fail-safe")[0]


def test_the_first_line_gets_the_title() -> None:
    found = changed(title='5 "$" tea')
    assert 'menuentry "5 \\"\\$\\" tea" --hotkey=l {' in found["/boot/grub/grub.cfg"]
    assert '\tmenu label 5 "$" tea' in found["/isolinux/live.cfg"]
    assert not [line for lines in found.values() for line in lines if "fail-safe" in line or "Install" in line]


def test_a_timeout_that_is_there_is_changed() -> None:
    texts = {"/boot/grub/grub.cfg": "source x\n", "/boot/grub/config.cfg": "set timeout=30\n"}
    found = menus.change(texts, {**NOTHING, "timeout": 7})
    assert found == {"/boot/grub/grub.cfg": "source x\n", "/boot/grub/config.cfg": "set timeout=7\n"}


def test_a_menu_that_is_not_understood_is_left() -> None:
    text = "if true; then\n  chainloader /x\nfi\n"
    assert menus.change({"/boot/grub/other.cfg": text}, {**NOTHING, "title": "tea"}) == {"/boot/grub/other.cfg": text}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    medium = tmp_path / "in" / "stages" / "medium"
    medium.mkdir(parents=True)
    (tmp_path / "work").mkdir()
    (tmp_path / "in" / "uploads").mkdir()
    files = [*TEXTS, "/isolinux/splash.png", "/boot/grub/background.jpg"]
    texts = {path: f"text-{number}" for number, path in enumerate(TEXTS)}
    for path, name in texts.items():
        (medium / name).write_text(TEXTS[path])
    (medium / "facts.json").write_text(json.dumps({"texts": texts, "files": files}))
    return tmp_path


def run(place: Path, **wanted: Any) -> tuple[int, list[str]]:
    (place / "in" / "menu.json").write_text(json.dumps({**NOTHING, **wanted}))
    status = menus.main(f"{place / 'in'}", f"{place / 'work'}")
    new = place / "work" / "medium"
    return status, sorted(f"/{each.relative_to(new)}" for each in new.rglob("*") if each.is_file())


def test_what_changed_is_laid_down_by_its_path(place: Path) -> None:
    assert run(place) == (0, sorted(TEXTS))


def test_a_picture_goes_where_its_kind_is_shown(place: Path) -> None:
    (place / "in" / "uploads" / "f00").write_bytes(PNG)
    status, new = run(place, background="f00")
    assert (status, set(new) - set(TEXTS)) == (0, {"/isolinux/splash.png"})


def test_a_picture_that_nobody_would_show_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "in" / "uploads" / "f00").write_bytes(b"GIF89a")
    assert run(place, background="f00")[0] == 65
    assert "background: the boot menu of this ISO has no picture of this kind" in capsys.readouterr().err
