"""Kinds of values that customisations have: what each accepts, and the words that say so when it does not."""

import base64
import binascii
import json
import re
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from isobuild.image.fields import MULTILINE, SECRET, accept, holding, whole

FROZEN = ConfigDict(extra="forbid", frozen=True)
CRYPT = re.compile(
    r"\$y\$[./A-Za-z0-9]{1,12}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"
    r"|\$6\$(rounds=\d{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}"
    r"|\$5\$(rounds=\d{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}"
)
KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
UNIT = r"[A-Za-z0-9][A-Za-z0-9:_.\\-]{0,99}(@[A-Za-z0-9:_.\\-]{0,100})?"
SUFFIXES = "service|socket|timer|path|mount|target"
#: what is made when the system starts, is on the medium, or was of use before
KEPT = ("/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp", "/isobuild", "/boot", "/etc/initramfs-tools")  # noqa: S108


def json_list(value: object) -> object:
    """A list as typed on a command line, as JSON; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else []
    except json.JSONDecodeError as error:
        raise ValueError(f"a JSON list, such as [{{...}}] ({error})") from None


def lines(value: object) -> object:
    """A list as typed into a form, an entry a line; anything else as it is."""
    return [line.strip() for line in value.splitlines() if line.strip()] if isinstance(value, str) else value


def words(value: object) -> object:
    """A list as typed, with spaces between; anything else as it is."""
    return value.split() if isinstance(value, str) else value


def unix(value: object) -> object:
    """A text with line ends as Unix has them: forms send others."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def yes_no(value: object) -> object:
    """YAML takes a plain yes for true."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def is_ssh_key(text: str) -> bool:
    """Whether this is a public key as in id_ed25519.pub: its type stands in its own data again."""
    kind, _, rest = text.partition(" ")
    if kind not in KEY_TYPES or not text.isprintable():
        return False
    try:
        data = base64.b64decode(rest.split(" ")[0], validate=True)
    except binascii.Error:
        return False
    return data[:4] == len(kind).to_bytes(4, "big") and data[4:].startswith(kind.encode()) and len(data) > 4 + len(kind)


def is_path(path: str) -> bool:
    """Whether a file may be put here: absolute, plain, and not where a running system has its own."""
    plain = re.fullmatch(r"(/[^/\x00-\x1f\x7f]{1,255}){1,64}", path) and len(path) < 4000
    parts = path.split("/")
    kept = any(path == folder or path.startswith(f"{folder}/") for folder in KEPT)
    return bool(plain) and not {".", ".."} & set(parts) and not kept


def unit(value: object) -> object:
    """The name of a unit, whole: what has no suffix is a service."""
    return f"{value}.service" if isinstance(value, str) and not re.search(rf"\.({SUFFIXES})$", value) else value


JsonList = BeforeValidator(json_list)
Lines = BeforeValidator(lines)
Words = BeforeValidator(words)
Unix = BeforeValidator(unix)
Text = Annotated[str, Unix, accept(lambda text: "\0" not in text, "a text without NUL characters"), MULTILINE]
PasswordHash = Annotated[
    str,
    accept(
        CRYPT.fullmatch,
        "the hash of a password, never the password itself; 'mkpasswd' (package whois) makes one: it begins with "
        "$y$, $6$ or $5$",
    ),
    SECRET,
]
SshKey = Annotated[
    str,
    accept(
        is_ssh_key,
        "an SSH public key, one line as in id_ed25519.pub: 'ssh-ed25519 AAAA... name'; the private key stays with you",
    ),
    SECRET,
]
Group = Annotated[
    str, accept(whole(r"[a-z_][a-z0-9_-]{0,30}"), "the name of a group: a-z, 0-9, '_' and '-', such as docker")
]
Owner = Annotated[
    str, accept(whole(r"[a-z_][a-z0-9_-]{0,30}"), "the name of an account: a-z, 0-9, '_' and '-', such as www-data")
]
FullName = Annotated[
    str,
    accept(
        lambda text: text == "" or (text.isprintable() and not set(":,") & set(text) and text[0] != "-"),
        "a person's name on one line, without ':' and ','",
    ),
]
Shell = Annotated[
    str, accept(whole(r"/(usr/)?s?bin/[a-z0-9-]{1,30}"), "the path of a shell, such as /bin/bash or /usr/bin/zsh")
]
Unit = Annotated[
    str,
    BeforeValidator(unit),
    accept(whole(rf"{UNIT}\.({SUFFIXES})"), "the name of a systemd unit, such as ssh, cups.socket or fstrim.timer"),
]
Path = Annotated[
    str,
    accept(
        is_path, f"an absolute path of the new system, such as /etc/motd, without '..' and not below {' '.join(KEPT)}"
    ),
]
Mode = Annotated[str, accept(whole(r"[0-7]{3,4}"), "a mode of 3 or 4 octal digits, such as 0644 or 755")]
KernelArgument = Annotated[
    str,
    accept(
        lambda text: re.fullmatch(r"[A-Za-z0-9_][\w.,:=/@%+-]{0,199}", text, re.ASCII) and not text.startswith("boot="),
        "an argument of the kernel without spaces or quotes, such as nomodeset or video=1024x768; boot= is isobuild's",
    ),
]
Url = Annotated[
    str,
    accept(
        whole(r"(https?://|file:///)[A-Za-z0-9._~:/?#\[\]@!&()*+,;=%-]{1,2000}"),
        "an address such as https://example.org/ or file:///srv/page.html",
    ),
]
ThemeName = Annotated[
    str,
    accept(
        whole(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}|upload:[0-9a-f]{64}"),
        "the name of a theme that a package brings, such as Arc-Dark, or the upload of a tar with one",
    ),
    holding("theme", "text-or-upload"),
]
