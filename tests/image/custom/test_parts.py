"""A customisation as packages, apt's settings, and the texts that its script reads: the same for the same choices."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image.custom.samples import PGP_KEY, REPOSITORY, SHA512, SSH_KEY, UPLOAD
from isobuild.errors import InvalidOption
from isobuild.image import custom
from isobuild.image.custom import Customisation, desktops

ANA = {"name": "ana", "password": SHA512, "ssh_keys": [SSH_KEY]}


class Whole(Customisation):
    packages: tuple[str, ...] = ()


def test_nothing_chosen_needs_next_to_nothing() -> None:
    plain = Customisation()
    assert custom.packages(plain) == ("sudo",)
    assert (custom.sources(plain), custom.logins(plain), custom.preferences(plain)) == ("", "", "")
    assert (custom.dpkg_options(plain), custom.uploads(plain)) == ((), ())
    texts = custom.files(plain)
    assert sorted(texts) == [
        "custom/accounts",
        "custom/accounts.sh",
        "custom/apply",
        "custom/common",
        "custom/desktop.sh",
        "custom/host.sh",
        "custom/region.sh",
        "custom/settings",
    ]
    assert "PARTS='host region accounts desktop'\n" in texts["custom/settings"]


ADDED: list[tuple[dict[str, object], set[str]]] = [
    ({"desktop": "xfce"}, {"xfce4", "lightdm", "xserver-xorg-core", "x11-utils"}),
    ({"desktop": "kiosk"}, {"surf", "matchbox-window-manager"}),
    ({"desktop": "xfce", "theme": "Arc-Dark", "icon": "Papirus"}, {"arc-theme", "papirus-icon-theme"}),
    ({"desktop": "xfce", "theme": UPLOAD}, {"xz-utils", "bzip2"}),
    ({"files": [{"path": "/srv/site", "tree": UPLOAD}]}, {"xz-utils", "bzip2"}),
    ({"presets": "ssh-server,rescue"}, {"openssh-server", "gddrescue"}),
    ({"desktop": "lxqt", "installer": "calamares"}, {"calamares-settings-debian"}),
    ({"locales": "id_ID.UTF-8"}, {"locales"}),
    ({"users": [ANA]}, {"openssh-server"}),
    ({"repositories": [REPOSITORY]}, {"ca-certificates"}),
    ({"packages": ["htop"]}, {"htop"}),
]


@pytest.mark.parametrize(("options", "added"), ADDED)
def test_choices_add_packages(options: dict[str, object], added: set[str]) -> None:
    found = custom.packages(Whole.model_validate(options))
    assert added <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"packages": ["nano"], "exclude": "nano"}, "a package that nothing asks for, and packages does"),
        ({"desktop": "xfce", "exclude": "gimp,lightdm"}, "'lightdm' is not allowed: .* desktop=xfce does"),
        ({"presets": "ssh-server", "exclude": "openssh-server"}, "presets=ssh-server does"),
    ],
)
def test_what_is_excluded_can_not_be_wanted(options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidOption, match=words) as caught:
        custom.packages(Whole.model_validate(options))
    assert caught.value.field == "exclude"


def test_what_is_left_out_while_unpacking() -> None:
    lean = Customisation(docs=False, translations=False, locale="pt_BR.UTF-8", locales=("sr_RS.UTF-8@latin",))
    options = custom.dpkg_options(lean)
    assert options.index("path-exclude=/usr/share/doc/*") < options.index("path-include=/usr/share/doc/*/copyright")
    assert options[-7:] == (
        "path-exclude=/usr/share/locale/*/LC_MESSAGES/*",
        *(f"path-include=/usr/share/locale/{language}/LC_MESSAGES/*" for language in ("pt", "pt_BR", "sr", "sr_RS")),
        "path-include=/usr/share/locale/sr@latin/LC_MESSAGES/*",
        "path-include=/usr/share/locale/sr_RS@latin/LC_MESSAGES/*",
    )
    assert custom.files(lean)["custom/dpkg.cfg"] == "".join(f"{option}\n" for option in options)


def test_an_installer_copies_what_runs_and_leaves_out_the_live_account() -> None:
    texts = custom.files(Customisation(desktop="xfce", installer="calamares"))
    assert "LIVE_ACCOUNT=live\n" in texts["custom/settings"]
    assert "custom/installer.sh" in texts
    own = custom.files(Customisation.model_validate({"desktop": "xfce", "installer": "calamares", "users": [ANA]}))
    assert "LIVE_ACCOUNT=''\n" in own["custom/settings"]


def test_uploads_are_named_once() -> None:
    other = "upload:" + "f" * 64
    chosen = Customisation.model_validate({
        "desktop": "xfce", "theme": UPLOAD, "icon": "Papirus", "wallpaper": other, "background": UPLOAD,
        "files": [{"path": "/a", "upload": other}, {"path": "/b", "tree": f"upload:{'e' * 64}"}],
    })  # fmt: skip
    assert custom.uploads(chosen) == (UPLOAD[7:], "f" * 64, "e" * 64)


PROOFS: list[tuple[dict[str, object], str]] = [
    ({"hostname": "tea"}, "^tea login: *$"),
    ({"desktop": "xfce"}, "^isobuild: desktop is up$"),
    ({"desktop": "xfce", "hostname": "tea", "users": [ANA]}, "^tea login: *$"),
    ({"desktop": "kiosk", "users": [{"name": "ana", "autologin": True}]}, "^isobuild: desktop is up$"),
]


@pytest.mark.parametrize(("options", "proof"), PROOFS)
def test_a_desktop_is_waited_for_where_somebody_is_at_it(options: dict[str, object], proof: str) -> None:
    assert custom.proof(Customisation.model_validate(options)).until == proof


def test_secrets_are_in_few_files() -> None:
    chosen = Customisation.model_validate(
        {"users": [ANA], "repositories": [{**REPOSITORY, "username": "me", "password": "t3apass"}]}
    )
    texts = custom.files(chosen)
    having = {name for name, text in texts.items() if any(each in text for each in (SHA512, SSH_KEY, "t3apass"))}
    assert having == {"custom/accounts", "custom/keys/ana"}
    assert texts["custom/apt/isobuild-1.asc"] == PGP_KEY
    assert "t3apass" in custom.logins(chosen)


@settings(max_examples=30)
@given(
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=":,-"), max_size=20),
    st.sampled_from(["https://example.org/?a=1&b=(2)*;c", "file:///srv/page.html"]),
)
def test_settings_are_safe_to_read(full_name: str, url: str) -> None:
    chosen = Customisation.model_validate(
        {"desktop": "kiosk", "kiosk_url": url, "users": [{"name": "ana", "full_name": full_name, "autologin": True}]}
    )
    script = f'{custom.files(chosen)["custom/settings"]}printf %s "$KIOSK_URL"'
    assert subprocess.run(["sh", "-euc", script], check=True, capture_output=True, text=True).stdout == url


def test_its_scripts_are_sound(needed: Callable[[str], str], tmp_path: Path) -> None:
    chosen = Customisation.model_validate({"desktop": "kiosk", "docs": False, "users": [ANA | {"autologin": True}]})
    scripts = {name: text for name, text in custom.files(chosen).items() if text.startswith("#!/bin/sh\n")}
    assert {"custom/apply", "custom/kiosk", "custom/desktop-is-up"} <= set(scripts)
    for name, text in scripts.items():
        (tmp_path / Path(name).name).write_text(text)
    checked = subprocess.run(
        [needed("shellcheck"), *map(str, tmp_path.iterdir())], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_every_package_is_in_this_hosts_release(needed: Callable[[str], str]) -> None:
    lists = (desktops.PACKAGES, desktops.PRESETS, desktops.INSTALLERS, desktops.THEMES, desktops.ICONS)
    names = {name for table in lists for names in table.values() for name in names.split()}
    asked = [needed("apt-cache"), "policy", *sorted(names)]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    known = set(re.findall(r"^(\S+):$", said, re.MULTILINE))
    if not known:
        pytest.skip("this host has no package lists (apt-get update)")
    assert names - known == set()
