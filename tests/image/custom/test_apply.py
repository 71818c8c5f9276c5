"""The script, run for real: a small Debian becomes what was ordered, the same each time, or says why it can't."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sites import build_user

from image.custom.chroot import Chroot
from image.custom.chroot import chroot as one
from image.custom.samples import PGP_KEY, REPOSITORY, SHA512, SSH_KEY
from isobuild.errors import StepFailed

__all__ = ["build_user"]

pytestmark = pytest.mark.iso

PICTURE = b"\x89PNG\r\n\x1a\n"


def _tar(*members: tuple[str, bytes | str | None, int]) -> bytes:
    """A tar of these: name; what is in it, where a link leads, or None for a folder; mode. All are of user 1234."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, what, mode in members:
            facts = tarfile.TarInfo(name)
            facts.mode, facts.uid, facts.gid = mode, 1234, 1234
            content = what if isinstance(what, bytes) else b""
            facts.type = tarfile.DIRTYPE if what is None else tarfile.REGTYPE
            if isinstance(what, str):
                facts.type, facts.linkname = tarfile.SYMTYPE, what
            facts.size = len(content)
            archive.addfile(facts, io.BytesIO(content))
    return made.getvalue()


SITE = _tar(
    ("./", None, 0o700), ("./lib", None, 0o700), ("./lib/teapot", None, 0o750),
    ("./lib/teapot/run", b"#!/bin/sh\n", 0o4755), ("./lib/teapot/notes", b"black\n", 0o600),
    ("./tea", "lib/teapot", 0o777),
)  # fmt: skip
TREE = f"upload:{hashlib.sha256(SITE).hexdigest()}"
UPLOADS = {hashlib.sha256(each).hexdigest(): each for each in (PICTURE, SITE)}
ORDER: dict[str, object] = {
    "hostname": "teapot",
    "locale": "id_ID.UTF-8",
    "timezone": "Asia/Jakarta",
    "keyboard": "de",
    "users": [
        {
            "name": "ana",
            "full_name": "Ana B",
            "password": SHA512,
            "groups": ["games"],
            "ssh_keys": [SSH_KEY],
            "sudo": "nopasswd",
            "autologin": True,
        },
        {"name": "bo", "shell": "/bin/sh", "sudo": "yes"},
    ],
    "services_on": "console-getty, fstrim.timer",
    "services_off": "apt-daily.timer, systemd-logind",
    "files": [
        {"path": "/home/ana/tea/leaves/green", "content": "sencha\n", "owner": "ana", "group": "ana", "mode": "0600"},
        {"path": "/srv/cups", "folder": True, "mode": "1777"},
        {"path": "/etc/motd", "content": "$HOME `id` 'tea'\n"},
        {"path": "/srv/a picture", "upload": f"upload:{hashlib.sha256(PICTURE).hexdigest()}"},
        {"path": "/home/ana/site", "tree": TREE, "owner": "ana", "group": "ana"},
        {"path": "/usr", "tree": TREE},
        {"path": "/usr/lib/teapot/notes", "content": "green\n"},
    ],
    "first_boot": "#!/bin/sh\necho tea >/srv/booted\n",
    "repositories": [{**REPOSITORY, "username": "me", "password": "t3apass", "priority": 100}],
    "exclude": "nano",
    "docs": False,
    "translations": False,
}


@pytest.fixture(scope="module")
def chroot(needed: Callable[[str], str], build_user: str) -> Iterator[Chroot]:
    for tool in ("mmdebstrap", "newuidmap", "unshare"):
        needed(tool)
    with one(build_user) as made:
        yield made


@pytest.fixture(scope="module")
def ordered(chroot: Chroot) -> Path:
    return chroot.customise("ordered", ORDER, UPLOADS)


def test_it_is_the_host_that_was_ordered(chroot: Chroot, ordered: Path) -> None:
    assert (ordered / "etc/hostname").read_text() == "teapot\n"
    assert "127.0.0.1\tlocalhost teapot\n" in (ordered / "etc/hosts").read_text()
    assert (ordered / "etc/machine-id").read_bytes() == b""
    assert (ordered / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/Asia/Jakarta")
    assert 'XKBLAYOUT="de"' in (ordered / "etc/default/keyboard").read_text()
    assert chroot.within(ordered, "cat", "/etc/default/locale") == "LANG=id_ID.UTF-8\n"
    assert "id_ID.utf8" in chroot.within(ordered, "locale", "-a").split()


def test_its_people_can_come_in(chroot: Chroot, ordered: Path) -> None:
    accounts = chroot.within(ordered, "tail", "-n", "2", "/etc/passwd").splitlines()
    assert [line.split(":")[0:1] + line.split(":")[4:] for line in accounts] == [
        ["ana", "Ana B", "/home/ana", "/bin/bash"],
        ["bo", "", "/home/bo", "/bin/sh"],
    ]
    shadow = chroot.within(ordered, "tail", "-n", "2", "/etc/shadow").splitlines()
    assert [line.split(":")[:3] for line in shadow] == [["ana", SHA512, ""], ["bo", "!", ""]]
    assert {"ana", "sudo", "audio", "games"} <= set(chroot.within(ordered, "id", "-nG", "ana").split())
    assert chroot.within(ordered, "sudo", "-l", "-U", "ana").count("NOPASSWD: ALL") == 1
    assert "NOPASSWD" not in chroot.within(ordered, "sudo", "-l", "-U", "bo")
    keys = "/home/ana/.ssh/authorized_keys"
    assert chroot.within(ordered, "cat", keys) == f"{SSH_KEY}\n"
    assert chroot.within(ordered, "stat", "-c", "%U %a", "/home/ana/.ssh", keys) == "ana 700\nana 600\n"
    assert 'LIVE_USERNAME="ana"\n' in (ordered / "etc/live/config.conf.d/isobuild.conf").read_text()


def test_its_services_are_on_and_off(chroot: Chroot, ordered: Path) -> None:
    units = ["fstrim.timer", "console-getty.service", "apt-daily.timer", "systemd-logind.service"]
    said = chroot.within(ordered, "sh", "-c", 'for unit; do systemctl is-enabled "$unit" || true; done', "sh", *units)
    assert said.split() == ["enabled", "enabled", "disabled", "masked"]
    first = ordered / "etc/systemd/system/multi-user.target.wants/isobuild-first-boot.service"
    assert first.is_symlink()
    assert (ordered / "usr/lib/isobuild/first-boot").read_text() == ORDER["first_boot"]


def test_its_files_are_as_ordered(chroot: Chroot, ordered: Path) -> None:
    facts = chroot.within(
        ordered, "stat", "-c", "%U %G %a %n", "/home/ana/tea", "/home/ana/tea/leaves/green", "/srv/cups", "/etc/motd"
    )
    assert facts.splitlines() == [
        "ana ana 755 /home/ana/tea",
        "ana ana 600 /home/ana/tea/leaves/green",
        "root root 1777 /srv/cups",
        "root root 644 /etc/motd",
    ]
    assert (ordered / "etc/motd").read_text() == "$HOME `id` 'tea'\n"
    assert (ordered / "srv/a picture").read_bytes() == PICTURE


def test_what_is_in_a_tar_has_its_modes_and_the_owner_that_was_ordered(chroot: Chroot, ordered: Path) -> None:
    site, lib = "/home/ana/site", "/usr/lib/teapot"
    paths = [site, f"{site}/lib", f"{site}/lib/teapot/run", f"{site}/tea", "/usr", "/usr/lib", lib, f"{lib}/run"]
    assert chroot.within(ordered, "stat", "-c", "%U %G %a %n", *paths).splitlines() == [
        f"ana ana 755 {site}",
        f"ana ana 700 {site}/lib",
        f"ana ana 4755 {site}/lib/teapot/run",
        f"ana ana 777 {site}/tea",
        "root root 755 /usr",
        "root root 755 /usr/lib",
        f"root root 750 {lib}",
        f"root root 4755 {lib}/run",
    ]
    assert chroot.within(ordered, "cat", f"{site}/tea/notes", "/usr/tea/notes") == "black\ngreen\n"
    assert chroot.within(ordered, "find", "/tmp", "-mindepth", "1") == ""


def test_its_archives_are_known_without_their_password(chroot: Chroot, ordered: Path) -> None:
    assert (ordered / "etc/apt/keyrings/isobuild-1.asc").read_text() == PGP_KEY
    assert "Enabled: no\n" in (ordered / "etc/apt/sources.list.d/isobuild-1.sources").read_text()
    assert (
        "Package: nano\nPin: release *\nPin-Priority: -1\n" in (ordered / "etc/apt/preferences.d/isobuild").read_text()
    )
    assert chroot.within(ordered, "sh", "-c", "grep -rl t3apass /etc /var /usr/lib/isobuild || true") == ""


def test_it_is_stripped(chroot: Chroot, ordered: Path) -> None:
    assert chroot.within(ordered, "find", "/usr/share/man", "-type", "f") == ""
    left = chroot.within(ordered, "find", "/usr/share/doc", "-type", "f").split()
    assert left
    assert {Path(file).name for file in left} == {"copyright"}
    assert chroot.within(ordered, "sh", "-c", "ls -d /usr/share/locale/*/LC_MESSAGES").split() == [
        "/usr/share/locale/id/LC_MESSAGES"
    ]


def test_the_same_order_gives_the_same_system(chroot: Chroot, ordered: Path) -> None:
    again = chroot.customise("again", ORDER, UPLOADS)
    assert chroot.listing(again) == chroot.listing(ordered)


def test_an_order_of_nothing_is_a_live_system(chroot: Chroot) -> None:
    """S0.C7: the person's account of create_user.sh."""
    tree = chroot.customise("plain", {})
    assert chroot.within(tree, "id", "-un", "live") == "live\n"
    assert "NOPASSWD: ALL" in chroot.within(tree, "sudo", "-l", "-U", "live")
    done = {path.name for path in (tree / "var/lib/live/config").iterdir()}
    assert {"user-setup", "sudo", "login", "locales", "tzdata", "keyboard-configuration"} <= done
    assert "policykit" not in done
    assert not (tree / "etc/systemd/system/isobuild-desktop-is-up.service").exists()


def test_who_has_no_sudo_is_no_administrator(chroot: Chroot) -> None:
    tree = chroot.customise("modest", {"users": [{"name": "ana", "password": SHA512, "autologin": True}]})
    assert (tree / "var/lib/live/config/policykit").exists()
    assert "sudo" not in chroot.within(tree, "id", "-nG", "ana").split()


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"users": [{"name": "sshd", "groups": "teapots"}]}, "E: users: sshd can't be in the group teapots"),
    ({"users": [{"name": "messagebus", "shell": "/bin/nush"}]}, "E: users: messagebus can't have the shell /bin/nush"),
    ({"username": "games"}, "E: users: games is an account of the packages' own; choose another name"),
    ({"services_on": "teapot"}, "E: services_on: no package brings the unit teapot.service"),
    ({"services_off": "teapot.timer"}, "E: services_off: no package brings the unit teapot.timer"),
    ({"files": [{"path": "/srv/a", "owner": "teapot"}]}, "E: files: /srv/a can't belong to teapot"),
    ({"files": [{"path": "/etc/passwd/x", "content": "x"}]}, "E: files: /etc/passwd can't be a folder"),
    ({"files": [{"path": "/usr", "content": "x"}]}, "E: files: /usr is a folder of the system"),
    ({"locale": "xx_XX.UTF-8"}, "E: locale: xx_XX.UTF-8 is not known to this release"),
    ({"desktop": "xfce", "theme": "Arc"}, "E: theme: no package brings /usr/share/themes/Arc"),
    ({"desktop": "xfce", "icon": "Tea"}, "E: icon: no package brings /usr/share/icons/Tea"),
]


@pytest.mark.parametrize(("options", "words"), IMPOSSIBLE)
def test_what_the_packages_do_not_have_is_the_orders_fault(
    chroot: Chroot, options: dict[str, object], words: str
) -> None:
    with pytest.raises(StepFailed) as caught:
        chroot.customise(f"wrong{IMPOSSIBLE.index((options, words))}", options)
    assert caught.value.facts["status"] == 65
    assert words in caught.value.facts["tail"]


def test_a_theme_may_be_uploaded(chroot: Chroot) -> None:
    packed = _tar(("Tea/gtk-3.0/gtk.css", b"* {}\n", 0o644), ("Tea/index.theme", b"[Icon Theme]\n", 0o644))
    digest = hashlib.sha256(packed).hexdigest()
    tree = chroot.customise("themed", {"desktop": "xfce", "theme": f"upload:{digest}"}, {digest: packed})
    assert (tree / "usr/share/themes/Tea/gtk-3.0/gtk.css").read_text() == "* {}\n"
    assert (tree / "etc/gtk-3.0/settings.ini").read_text() == "[Settings]\ngtk-theme-name=Tea\n"


@pytest.mark.parametrize("field", ["wallpaper", "background"])
def test_an_upload_that_is_no_picture_is_told(chroot: Chroot, field: str) -> None:
    digest = hashlib.sha256(b"tea").hexdigest()
    with pytest.raises(StepFailed, match=f"E: {field}: the upload is neither a PNG nor a JPEG picture"):
        chroot.customise(f"bad-{field}", {"desktop": "xfce", field: f"upload:{digest}"}, {digest: b"tea"})


@pytest.mark.parametrize(
    ("packed", "words"),
    [(b"tea", "E: theme: the upload is not a tar archive"), (None, "the upload must hold one folder")],
)
def test_an_upload_that_is_no_theme_is_told(chroot: Chroot, packed: bytes | None, words: str) -> None:
    content = packed or _tar(("a/x", b"", 0o644), ("b/y", b"", 0o644))
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(StepFailed) as caught:
        chroot.customise(f"bad-{digest[:4]}", {"desktop": "xfce", "theme": f"upload:{digest}"}, {digest: content})
    assert words in caught.value.facts["tail"]


DEVICE = tarfile.TarInfo("null")
DEVICE.type, DEVICE.devmajor, DEVICE.devminor = tarfile.CHRTYPE, 1, 3


def _tar_of_a_device() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(DEVICE)
    return made.getvalue()


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (b"tea", "/srv/site: the upload is not a tar archive with something in it"),
        (_tar(("/etc/tea", b"", 0o644)), "/srv/site: the tar has a path in it that is absolute, or has '..' in it"),
        (_tar(("a/../../etc/tea", b"", 0o644)), "/srv/site: the tar has a path in it that is absolute"),
        (_tar_of_a_device(), "/srv/site: the tar has more in it than folders, files and links"),
        (SITE[:80], "/srv/site: the upload is not a tar archive"),
    ],
)
def test_a_tar_that_is_no_tree_is_told(chroot: Chroot, packed: bytes, words: str) -> None:
    digest = hashlib.sha256(packed).hexdigest()
    order = {"files": [{"path": "/srv/site", "tree": f"upload:{digest}"}]}
    with pytest.raises(StepFailed) as caught:
        chroot.customise(f"bad-{digest[:6]}", order, {digest: packed})
    assert caught.value.facts["status"] == 65
    assert words in caught.value.facts["tail"]
