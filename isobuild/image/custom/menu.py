"""The boot menu as it was ordered: its lines, how long it waits, and the picture behind it."""

from collections.abc import Sequence
from pathlib import PurePath

from isobuild.image.boot import Entry
from isobuild.image.step import Place

#: live-boot need not write settings for ifupdown, which is not there
LIVE = ("boot=live", "nonetworking", "quiet")
#: what GRUB needs in its image for a picture, beside boot.MODULES
PICTURE_MODULES = ("gfxterm", "gfxterm_background", "png", "jpeg", "font")
FONT = "/usr/share/grub/unicode.pf2"
#: paths in the ISO: GRUB goes by a file's suffix, and an upload has none, so the same file is there under each
PICTURES = ("/boot/grub/background.png", "/boot/grub/background.jpg")
#: stands in front of the menu
PICTURE = f"""\
if loadfont /boot/grub/unicode.pf2; then
  set gfxmode=1024x768,auto
  set gfxpayload=keep
  terminal_output gfxterm
  if serial --unit=0 --speed=115200; then terminal_output --append serial; fi
  if background_image {PICTURES[0]}; then true; else background_image {PICTURES[1]}; fi
  set color_normal=white/black
  set menu_color_normal=white/black
  set menu_color_highlight=black/light-gray
fi
"""


def entries(title: str, arguments: Sequence[str], persistence: bool) -> tuple[Entry, ...]:
    """The lines of the menu; the first is what starts by itself."""
    line = " ".join((*LIVE, *arguments))
    plain = Entry(title, line)
    if not persistence:
        return (plain,)
    return Entry(f"{title} (keeps changes)", f"{line} persistence"), Entry(f"{title} (forgets changes)", line)


def picture(upload: str | None, place: Place) -> dict[str, PurePath]:
    """What the ISO is to have for a picture behind the menu: path in the ISO -> file; nothing without one."""
    if not upload:
        return {}
    file = place.inputs / "uploads" / upload.removeprefix("upload:")
    return {**dict.fromkeys(PICTURES, file), "/boot/grub/unicode.pf2": PurePath(FONT)}
