"""What people type: each choice that can't be is answered with its field, what was given, and what may be."""

from typing import Any

import pytest
from pydantic import ValidationError

from image.custom.samples import REPOSITORY, SHA512, SSH_KEY, UPLOAD
from isobuild.errors import InvalidOption
from isobuild.image.custom import Customisation, check_packages

ANA = {"name": "ana", "password": SHA512}
WRONG: list[tuple[str, object, str]] = [
    ("desktop", "beos", "'none', 'xfce', 'lxqt', 'gnome', 'kde' or 'kiosk'"),
    ("installer", "debian-installer", "'none' or 'calamares'"),
    ("kiosk_url", "example.org", "an address such as https://example.org/"),
    ("kiosk_url", "https://example.org/$(id)'", "an address such as"),
    ("kiosk_url", "javascript:alert(1)", "an address such as"),
    ("theme", "../Arc", "the name of a theme that a package brings"),
    ("theme", "upload:1234", "or the upload of a tar with one"),
    ("icon", "/usr/share/icons", "the name of a theme"),
    ("wallpaper", "/etc/passwd", "an upload, "),
    ("background", "tea.png", "an upload, "),
    ("presets", "ssh-server,casino", "'ssh-server', 'web-server'"),
    ("exclude", "two words", "the name of a Debian package"),
    ("locales", "klingon", "a UTF-8 locale"),
    ("services_on", "a b", "the name of a systemd unit"),
    ("services_on", "../ssh", "the name of a systemd unit"),
    ("services_off", "-now", "the name of a systemd unit"),
    ("kernel_arguments", 'a"b', "an argument of the kernel without spaces or quotes"),
    ("kernel_arguments", "boot=casper", "boot= is isobuild's"),
    ("kernel_arguments", "a;b", "an argument of the kernel"),
    ("timeout", -1, "greater than or equal to 0"),
    ("timeout", 9999, "less than or equal to 3600"),
    ("users", "ana", "a JSON list"),
    ("users", [{"name": "root"}], "not one of the system's"),
    ("users", [{"name": "ana", "colour": "red"}], "Extra inputs are not permitted"),
    ("users", [{"name": "ana", "password": "tea"}], "never the password itself; 'mkpasswd'"),
    ("files", [{"path": "/etc/../x"}], "an absolute path of the new system"),
    ("repositories", [{**REPOSITORY, "uri": "ftp://example.org/"}], "the http or https address of an archive"),
    ("first_boot", "echo hello", "its first line says so: #!/bin/sh or #!/bin/bash"),
    ("first_boot", "#!/bin/sh\nif true; then\n", "a script that sh can read; line 3: Syntax error: end of file"),
    ("persistence", "perhaps", "valid boolean"),
]


@pytest.mark.parametrize(("field", "given", "allowed"), WRONG)
def test_a_wrong_choice_says_what_may_be(field: str, given: object, allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Customisation.model_validate({"desktop": "xfce"} | {field: given})
    (error,) = caught.value.errors()
    assert error["loc"][0] == field
    assert allowed in error["msg"]


@pytest.mark.parametrize("field", ["theme", "icon", "wallpaper", "background", "first_boot"])
def test_an_empty_text_is_no_choice(field: str) -> None:
    assert getattr(Customisation.model_validate({field: ""}), field) is None


APART: list[tuple[dict[str, Any], str, str]] = [
    ({"users": [ANA, ANA]}, "users", "each name once"),
    ({"users": [ANA | {"autologin": True}, {"name": "bo", "autologin": True}]}, "users", "at most one with autologin"),
    ({"desktop": "kiosk", "users": [ANA]}, "users", "one with autologin, for a kiosk"),
    ({"services_on": "ssh", "services_off": "ssh.service"}, "services_off", "not among services_on too"),
    ({"files": [{"path": "/a"}, {"path": "/a"}]}, "files", "each path once"),
    ({"theme": "Arc"}, "theme", "a choice for a desktop, and the desktop is none"),
    ({"wallpaper": UPLOAD, "desktop": "kiosk"}, "wallpaper", "and the desktop is kiosk"),
    ({"installer": "calamares"}, "installer", "none: it is started at a desktop"),
]


@pytest.mark.parametrize(("options", "field", "allowed"), APART)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], field: str, allowed: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Customisation(**options)
    assert caught.value.field == field
    assert allowed in str(caught.value)


class Whole(Customisation):
    packages: tuple[str, ...] = ()


class Grown(Customisation):
    begins_bare = False


def test_a_theme_may_be_for_a_desktop_of_other_packages() -> None:
    assert Whole(theme="Arc", packages=("mate-desktop-environment",)).theme == "Arc"
    assert Grown(wallpaper=UPLOAD).wallpaper == UPLOAD


def test_the_seeds_names_are_known() -> None:
    """S0.2: theme, icon, wallpaper and list_aplikasi."""
    chosen = Whole(desktop="xfce", theme="Arc-Dark", icon="Papirus", wallpaper=UPLOAD, list_aplikasi=("gimp", "vlc"))
    assert (chosen.theme, chosen.icon, chosen.wallpaper) == ("Arc-Dark", "Papirus", UPLOAD)
    assert chosen.packages == ("gimp", "vlc")
    with pytest.raises(ValidationError, match="list_aplikasi"):
        Whole(packages=("gimp",), list_aplikasi=("vlc",))


def test_lists_may_be_typed() -> None:
    chosen = Customisation.model_validate({
        "presets": "ssh-server, laptop",
        "kernel_arguments": "nomodeset video=640x480,m",
        "services_on": "ssh,fstrim.timer, getty@tty2",
        "users": f'[{{"name": "ana", "ssh_keys": "{SSH_KEY}\\n\\n{SSH_KEY} "}}]',
        "repositories": "",
        "first_boot": "#!/bin/sh\r\ntrue\r\n",
    })  # fmt: skip
    assert chosen.presets == ("ssh-server", "laptop")
    assert chosen.kernel_arguments == ("nomodeset", "video=640x480,m")
    assert chosen.services_on == ("ssh.service", "fstrim.timer", "getty@tty2.service")
    assert chosen.users[0].ssh_keys == (SSH_KEY, SSH_KEY)
    assert chosen.repositories == ()
    assert chosen.first_boot == "#!/bin/sh\ntrue\n"


def test_every_choice_has_words_for_people() -> None:
    models: list[Any] = [Customisation]
    for model in models:
        for name, facts in model.model_fields.items():
            assert facts.description, name
            models += [each for each in getattr(facts.annotation, "__args__", ()) if hasattr(each, "model_fields")]
    assert len(models) == 4


def test_what_is_dumped_can_be_parsed() -> None:
    chosen = Customisation.model_validate({"users": [ANA], "repositories": [REPOSITORY], "files": [{"path": "/a"}]})
    assert Customisation.model_validate(chosen.model_dump(mode="json")) == chosen


def test_the_secrets_are_known() -> None:
    from isobuild.recipes.base import secrets

    assert secrets(Customisation) == {"users", "repositories"}


def test_a_wallpaper_needs_a_desktop_among_the_packages() -> None:
    grown = Whole(wallpaper=UPLOAD, packages=("openbox",))
    check_packages(grown, {"openbox", "pcmanfm-qt"})
    check_packages(Whole(packages=("openbox",)), {"openbox"})
    check_packages(grown.model_copy(update={"repositories": ({},)}), {"openbox", "a desktop of theirs"})
    with pytest.raises(InvalidOption, match="none that shows it is among the packages: xfdesktop4, pcmanfm-qt"):
        check_packages(grown, {"openbox", "nano"})
