"""What people may choose about a system beside its packages."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from isobuild.errors import InvalidOption
from isobuild.image.custom.accounts import User
from isobuild.image.custom.contents import File
from isobuild.image.custom.desktops import BACKDROPS, Desktop, Installer, Preset
from isobuild.image.custom.kinds import FROZEN, JsonList, KernelArgument, ThemeName, Unit, Url, Words
from isobuild.image.custom.repositories import Repository
from isobuild.image.custom.scripts import LONGEST, Script
from isobuild.image.fields import (
    MULTILINE,
    CommaList,
    Hostname,
    Keyboard,
    Line,
    Locale,
    MenuPicture,
    Package,
    Picture,
    Timezone,
    Unset,
    Username,
)

#: names that people know from elsewhere
ALIASES = {"list_aplikasi": "packages"}
SCREENLESS = ("none", "kiosk")
blank = BeforeValidator(lambda value: None if isinstance(value, str) and not value.strip() else value)


def _in(group: str) -> dict[str, Any]:
    return {"group": group}


class Customisation(BaseModel):
    """The options that all systems share, whether they are made of packages or of an ISO that exists."""

    model_config = FROZEN
    begins_bare: ClassVar[bool] = True
    """Whether the system has no desktop but the one that is chosen here. Where it has, "" leaves what is there."""

    hostname: Hostname = Field("debian", description="the name the machine gives itself, as in its login prompt")
    title: Line = Field("Debian Live", description="the line of the boot menu")

    desktop: Desktop = Field(
        "none", description="the desktop; kiosk: one web page on the whole screen", json_schema_extra=_in("Desktop")
    )
    kiosk_url: Url = Field(
        "https://www.debian.org/", description="the page that a kiosk shows", json_schema_extra=_in("Desktop")
    )
    theme: Annotated[ThemeName | None, Unset] = Field(
        None,
        description="the desktop's theme: its name, such as Arc-Dark, or the upload of a tar with one",
        json_schema_extra=_in("Desktop"),
    )
    icon: Annotated[ThemeName | None, Unset] = Field(
        None,
        description="the icon theme: its name, such as Papirus, or the upload of a tar with one",
        json_schema_extra=_in("Desktop"),
    )
    wallpaper: Annotated[Picture | None, Unset] = Field(
        None, description="the picture behind the desktop, PNG or JPEG", json_schema_extra=_in("Desktop")
    )
    installer: Installer = Field(
        "none",
        description="what installs this system to a disk, started at the desktop",
        json_schema_extra=_in("Desktop"),
    )

    presets: Annotated[tuple[Preset, ...], CommaList] = Field(
        (), description="packages for a purpose, such as ssh-server or laptop", json_schema_extra=_in("Packages")
    )
    exclude: Annotated[tuple[Package, ...], CommaList] = Field(
        (), max_length=200, description="packages that must not come in", json_schema_extra=_in("Packages")
    )
    repositories: Annotated[tuple[Repository, ...], JsonList] = Field(
        (), max_length=20, description="further archives that packages come from", json_schema_extra=_in("Packages")
    )
    docs: bool = Field(
        True,
        description="keep manual pages and documentation; without, the ISO is smaller",
        json_schema_extra=_in("Packages"),
    )
    translations: bool = Field(
        True,
        description="keep the programs' texts in all languages; without, only those of the locales chosen",
        json_schema_extra=_in("Packages"),
    )

    username: Username = Field(
        "live",
        description="the person's account; its password is 'live', and sudo asks for none; not where users are given",
        json_schema_extra=_in("People"),
    )
    users: Annotated[tuple[User, ...], JsonList] = Field(
        (), max_length=50, description="accounts, in the place of that one", json_schema_extra=_in("People")
    )

    locale: Locale = Field(
        "C.UTF-8", description="language and country, such as id_ID.UTF-8", json_schema_extra=_in("Region")
    )
    locales: Annotated[tuple[Locale, ...], CommaList] = Field(
        (), max_length=50, description="further locales, such as en_GB.UTF-8", json_schema_extra=_in("Region")
    )
    timezone: Timezone = Field(
        "Etc/UTC", description="time zone, such as Asia/Jakarta", json_schema_extra=_in("Region")
    )
    keyboard: Keyboard = Field("us", description="keyboard layout, such as us or de", json_schema_extra=_in("Region"))

    services_on: Annotated[tuple[Unit, ...], CommaList] = Field(
        (),
        max_length=100,
        description="systemd units to start with the system, such as ssh",
        json_schema_extra=_in("System"),
    )
    services_off: Annotated[tuple[Unit, ...], CommaList] = Field(
        (), max_length=100, description="systemd units not to start, such as cups", json_schema_extra=_in("System")
    )
    files: Annotated[tuple[File, ...], JsonList] = Field(
        (), max_length=200, description="files and folders to put into the system", json_schema_extra=_in("System")
    )
    first_boot: Annotated[Script | None, blank, MULTILINE] = Field(
        None,
        max_length=LONGEST,
        description="a script for sh or bash that runs once, as root, at the first boot",
        json_schema_extra=_in("System"),
    )

    kernel_arguments: Annotated[tuple[KernelArgument, ...], Words] = Field(
        (),
        max_length=50,
        description="added to the kernel's command line, such as nomodeset",
        json_schema_extra=_in("Boot"),
    )
    timeout: int = Field(
        2, ge=0, le=3600, description="seconds that the boot menu waits", json_schema_extra=_in("Boot")
    )
    background: Annotated[MenuPicture | None, Unset] = Field(
        None,
        description="the picture behind the boot menu, PNG or JPEG, but not a progressive or interlaced one",
        json_schema_extra=_in("Boot"),
    )
    persistence: bool = Field(
        False,
        description="keep changes on a partition labelled 'persistence', if there is one",
        json_schema_extra=_in("Boot"),
    )

    @model_validator(mode="before")
    @classmethod
    def _aliases(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = {alias: name for alias, name in ALIASES.items() if name in cls.model_fields and name not in given}
        return {known.get(name, name): value for name, value in given.items()}

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        for field, given, allowed in wrong(self):
            raise InvalidOption(field=field, given=given, allowed=allowed)
        return self


def check_packages(chosen: Customisation, names: Collection[str]) -> None:
    """Raise InvalidOption if an option needs a package that is not among these, which are all there are.

    Archives beside Debian's may have it under another name.
    """
    if chosen.wallpaper and not chosen.repositories and not {*BACKDROPS} & {*names}:
        allowed = f"a choice for a desktop, and none that shows it is among the packages: {', '.join(BACKDROPS)}"
        raise InvalidOption(field="wallpaper", given=chosen.wallpaper, allowed=allowed)


def wrong(chosen: Customisation) -> Iterator[tuple[str, object, str]]:
    """What does not go together: the field, what was given, and what is allowed."""
    yield from _wrong_users(chosen)
    yield from _wrong_desktop(chosen)
    both = sorted({*chosen.services_on} & {*chosen.services_off})
    if both:
        yield "services_off", both[0], "a unit that is not among services_on too"
    paths = [file.path for file in chosen.files]
    for path in paths:
        if paths.count(path) > 1:
            yield "files", path, "each path once"


def _wrong_users(chosen: Customisation) -> Iterator[tuple[str, object, str]]:
    names = [user.name for user in chosen.users]
    entered = [user.name for user in chosen.users if user.autologin]
    for name in names:
        if names.count(name) > 1:
            yield "users", name, "each name once"
    if len(entered) > 1:
        yield "users", ", ".join(entered), "at most one with autologin"
    if chosen.desktop == "kiosk" and names and not entered:
        yield "users", ", ".join(names), "one with autologin, for a kiosk"


def _wrong_desktop(chosen: Customisation) -> Iterator[tuple[str, object, str]]:
    bare = chosen.begins_bare and chosen.desktop in SCREENLESS and not getattr(chosen, "packages", ())
    for field in ("theme", "icon", "wallpaper"):
        if bare and getattr(chosen, field):
            yield field, getattr(chosen, field), f"a choice for a desktop, and the desktop is {chosen.desktop}"
    if bare and chosen.installer != "none":
        yield "installer", chosen.installer, f"none: it is started at a desktop, and the desktop is {chosen.desktop}"
