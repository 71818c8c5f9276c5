"""A customisation as what carries it out: packages, apt's settings, and the texts of the script that applies it."""

import shlex
from collections.abc import Iterator
from importlib import resources

from isobuild.errors import InvalidOption
from isobuild.image.custom import accounts, contents, desktops, repositories
from isobuild.image.custom.accounts import User
from isobuild.image.custom.options import Customisation
from isobuild.image.step import Proof

DESKTOP_UP = "^isobuild: desktop is up$"
DOCS = (
    "/usr/share/doc/* /usr/share/man/* /usr/share/info/* /usr/share/doc-base/* /usr/share/gtk-doc/* /usr/share/help/*"
)
COPYRIGHT = "/usr/share/doc/*/copyright"
TRANSLATIONS = "/usr/share/locale/*/LC_MESSAGES/*"


def users(chosen: Customisation) -> tuple[User, ...]:
    """The accounts: those that were ordered, or the one of a live system; none where those that are there stay."""
    return chosen.users or ((accounts.live(chosen.username),) if chosen.username else ())


def packages(chosen: Customisation) -> tuple[str, ...]:
    """The packages that these choices add, each once. Raises InvalidOption if one of them is excluded."""
    found = tuple(dict.fromkeys(name for _, names in _wanted(chosen) for name in names.split()))
    for why, names in _wanted(chosen):
        for name in set(names.split()) & set(chosen.exclude):
            raise InvalidOption(field="exclude", given=name, allowed=f"a package that nothing asks for, and {why} does")
    return found


def asked(chosen: Customisation) -> dict[str, str]:
    """The option that asks for each of these packages."""
    found: dict[str, str] = {}
    for why, names in _wanted(chosen):
        for name in names.split():
            found.setdefault(name, why.partition("=")[0] if " " not in why else "theme")
    return found


def sources(chosen: Customisation) -> str:
    """The further archives as deb822 text, their keys in it, for who resolves and installs; "" if there are none."""
    return repositories.sources(chosen.repositories)


def logins(chosen: Customisation) -> str:
    """The text of apt's auth.conf.d for those archives: secret, for the build alone; "" if none asks."""
    return repositories.logins(chosen.repositories)


def preferences(chosen: Customisation) -> str:
    """The text of apt's preferences.d: what goes first, and what never comes; "" if all is as usual."""
    return repositories.preferences(chosen.repositories, chosen.exclude)


def dpkg_options(chosen: Customisation) -> tuple[str, ...]:
    """dpkg's options, without dashes, that leave out what is not wanted while packages are unpacked."""
    found = [f"path-exclude={path}" for path in DOCS.split()] if not chosen.docs else []
    found += [f"path-include={COPYRIGHT}"] if not chosen.docs else []
    if not chosen.translations:
        found.append(f"path-exclude={TRANSLATIONS}")
        found += [f"path-include=/usr/share/locale/{language}/LC_MESSAGES/*" for language in _languages(chosen)]
    return tuple(found)


def proof(chosen: Customisation) -> Proof:
    """What shows that the system is up: its desktop, or its login prompt; and the memory and time that it takes."""
    memory, seconds = desktops.BOOTS[chosen.desktop]
    seen = chosen.desktop != "none" and accounts.at_the_machine(users(chosen))
    return Proof(DESKTOP_UP if seen else _prompt(chosen), seconds, memory)


def _prompt(chosen: Customisation) -> str:
    if chosen.begins_bare:
        return f"^{chosen.hostname} login: *$"
    return f"^{chosen.hostname or '[a-z0-9-]+'} login:"  # who may be logged in there by itself


def files(chosen: Customisation) -> dict[str, str]:
    """The texts for a build's inputs, by name: custom/apply is run, the others are what it reads.

    It stands at /isobuild/custom in the system, beside /isobuild/uploads/SHA256. Where there is a password or an SSH
    key, custom/accounts and custom/keys/* have it.
    """
    parts = list(_parts(chosen))
    texts = {
        "apply": _script("apply"),
        "common": _script("common"),
        "settings": _settings(chosen, parts),
        **{f"{part}.sh": _script(part) for part in parts},
    }
    return {f"custom/{name}": text for name, text in (texts | dict(_texts(chosen))).items()}


def has_secret(chosen: Customisation) -> bool:
    """Whether the texts have a secret in them: somebody's password or SSH keys."""
    return any(user.password or user.ssh_keys for user in chosen.users)


def uploads(chosen: Customisation) -> tuple[str, ...]:
    """The SHA-256 of each upload that a build needs, each once."""
    named = [chosen.theme, chosen.icon, chosen.wallpaper, chosen.background]
    named += [name for file in chosen.files for name in (file.upload, file.tree)]
    found = (name.removeprefix("upload:") for name in named if name and name.startswith("upload:"))
    return tuple(dict.fromkeys(found))


def _wanted(chosen: Customisation) -> Iterator[tuple[str, str]]:
    """Why, and which packages, with spaces between."""
    yield f"desktop={chosen.desktop}", desktops.PACKAGES[chosen.desktop]
    for preset in chosen.presets:
        yield f"presets={preset}", desktops.PRESETS[preset]
    yield f"installer={chosen.installer}", desktops.INSTALLERS[chosen.installer]
    yield "theme", desktops.THEMES.get(chosen.theme or "", "")
    yield "icon", desktops.ICONS.get(chosen.icon or "", "")
    if any((name or "").startswith("upload:") for name in (chosen.theme, chosen.icon)):
        yield "an uploaded theme", desktops.UNPACKERS
    if any(locale not in ("", "C.UTF-8") for locale in (chosen.locale, *chosen.locales)):
        yield "locale", "locales"
    if any(user.ssh_keys for user in chosen.users):
        yield "users.ssh_keys", "openssh-server"
    if any(user.sudo != "no" for user in users(chosen)):
        yield "users.sudo", "sudo"
    if any(file.tree for file in chosen.files):
        yield "files", desktops.UNPACKERS
    if any(each.uri.startswith("https:") for each in chosen.repositories):
        yield "repositories", "ca-certificates"
    yield "packages", " ".join(getattr(chosen, "packages", ()))


def _parts(chosen: Customisation) -> Iterator[str]:
    """Which scripts the order needs, in the order in which they are run."""
    changed = {
        "host": chosen.hostname,
        "region": chosen.locale or chosen.locales or chosen.timezone or chosen.keyboard,
        "accounts": users(chosen),
        "desktop": chosen.begins_bare or chosen.desktop != "none" or users(chosen),
    }
    yield from (part for part, is_so in changed.items() if is_so)
    if chosen.theme or chosen.icon or chosen.wallpaper or chosen.background:
        yield "looks"
    if chosen.installer == "calamares":
        yield "installer"
    if chosen.repositories or chosen.exclude:
        yield "apt"
    if not (chosen.docs and chosen.translations):
        yield "strip"
    if chosen.files:
        yield "files"
    if chosen.first_boot:
        yield "first_boot"
    if chosen.services_on or chosen.services_off:
        yield "services"


def _settings(chosen: Customisation, parts: list[str]) -> str:
    people = users(chosen)
    settings = {
        "PARTS": " ".join(parts),
        "NAME": chosen.hostname,
        "BARE": "yes" if chosen.begins_bare else "",
        "FIRST": people[0].name if people else "",
        "LIVE_ACCOUNT": "" if chosen.users else chosen.username,
        "AUTOLOGIN": accounts.at_the_machine(people),
        "LOCALE": chosen.locale,
        "LOCALES": " ".join(chosen.locales),
        "LANGUAGES": " ".join(_languages(chosen)),
        "TIMEZONE": chosen.timezone,
        "KEYBOARD": chosen.keyboard,
        "DESKTOP": chosen.desktop,
        "KIOSK_URL": chosen.kiosk_url,
        "THEME": chosen.theme or "",
        "ICON": chosen.icon or "",
        "WALLPAPER": chosen.wallpaper or "",
        "BACKGROUND": chosen.background or "",
        "SERVICES_ON": " ".join(chosen.services_on),
        "SERVICES_OFF": " ".join(chosen.services_off),
        "DOCS": "yes" if chosen.docs else "no",
        "TRANSLATIONS": "yes" if chosen.translations else "no",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


def _texts(chosen: Customisation) -> Iterator[tuple[str, str]]:
    yield "accounts", accounts.table(users(chosen))
    yield from ((f"keys/{name}", text) for name, text in accounts.keys(users(chosen)).items())
    if chosen.desktop != "none":
        yield "desktop-is-up", _script("desktop-is-up")
    if chosen.desktop == "kiosk":
        yield "kiosk", _script("kiosk")
    if chosen.wallpaper:
        yield "plasma-wallpaper", _script("plasma-wallpaper")
    yield from _apt_texts(chosen)
    if options := dpkg_options(chosen):
        yield "dpkg.cfg", "".join(f"{option}\n" for option in options)
    if chosen.files:
        yield "files", contents.table(chosen.files)
        yield from contents.texts(chosen.files)
    if chosen.first_boot:
        yield "first-boot", chosen.first_boot


def _apt_texts(chosen: Customisation) -> Iterator[tuple[str, str]]:
    for number, each in enumerate(chosen.repositories, start=1):
        yield f"apt/isobuild-{number}.sources", repositories.stanza(each, f"/etc/apt/keyrings/isobuild-{number}.asc")
        yield f"apt/isobuild-{number}.asc", each.key
    if text := preferences(chosen):
        yield "apt/preferences", text


def _languages(chosen: Customisation) -> tuple[str, ...]:
    """The folders of /usr/share/locale that speak the locales chosen: id and id_ID for id_ID.UTF-8."""
    found: list[str] = []
    for locale in (chosen.locale, *chosen.locales):
        place, _, modifier = locale.replace(".UTF-8", "").partition("@")
        plain = (place.partition("_")[0], place) if place not in ("", "C") else ()
        found += [*plain, *(f"{name}@{modifier}" for name in plain if modifier)]
    return tuple(dict.fromkeys(found))


def _script(name: str) -> str:
    return resources.files(__package__).joinpath("sh", f"{name}.sh").read_text()
