"""Kinds of options that several recipes share: what each accepts, and the words that say so when it does not."""

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from isobuild.image.apt import RELEASES

LAYOUTS = (
    "af al am ara at au az ba bd be bg br brai bt bw by ca cd ch cm cn cz de dk dz ee eg epo es et fi fo fr "
    "gb ge gh gn gr hr hu id ie il in iq ir is it jp jv ke kg kh kr kz la latam lk lt lv ma mao md me mk ml mm mn mt "
    "mv my ng nl no np ph pk pl pt ro rs ru se si sk sn sy tg th tj tm tr tw tz ua us uz vn za"
)
ZONES = cache(available_timezones)  # reading them costs 10 ms
RESERVED = ("root", "daemon", "bin", "sys", "sync", "mail", "nobody", "man", "lp", "news", "proxy", "backup", "list")


def accept(allowed: Callable[[str], object], words: str) -> AfterValidator:
    """A check of a text; `words` say what is allowed."""

    def check(text: str) -> str:
        if not allowed(text):
            raise ValueError(words)
        return text

    return AfterValidator(check)


def whole(pattern: str) -> Callable[[str], object]:
    """Whether a whole text matches the pattern."""
    return re.compile(pattern).fullmatch


def split(value: object) -> object:
    """A list as typed on a command line, "a,b"; anything else as it is."""
    return [word for word in re.split(r"\s*,\s*", value.strip()) if word] if isinstance(value, str) else value


def empty_as_none(value: object) -> object:
    """An empty text, as forms send it, is no choice."""
    return None if value == "" else value


def is_user(name: str) -> bool:
    """Whether this may be the name of a person's account."""
    return bool(re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name)) and name not in RESERVED


CommaList = BeforeValidator(split)
Unset = BeforeValidator(empty_as_none)
Suite = Annotated[str, accept(RELEASES.__contains__, f"a release of Debian, one of {', '.join(RELEASES)}")]
Mirror = Annotated[
    str,
    accept(
        whole(r"https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?(/[\w.~+-]+)*/?"),
        "the http or https address of a Debian mirror, without a password, such as https://mirror.example.org/debian",
    ),
]
Package = Annotated[
    str,
    accept(
        whole(r"[a-z0-9][a-z0-9+.-]{1,99}"),
        "the name of a Debian package: 2 to 100 of a-z, 0-9, '+', '-' and '.', beginning with a letter or digit",
    ),
]
Hostname = Annotated[
    str,
    accept(
        whole(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
        "a host name: 1 to 63 of a-z, 0-9 and '-', with no '-' at either end",
    ),
]
Username = Annotated[
    str,
    accept(
        is_user, "a user name: 1 to 31 of a-z, 0-9, '_' and '-', beginning with a letter, and not one of the system's"
    ),
]
Locale = Annotated[
    str,
    accept(
        whole(r"C\.UTF-8|[a-z]{2,3}_[A-Z]{2}\.UTF-8(@[a-z]{3,12})?"), "a UTF-8 locale, such as id_ID.UTF-8 or C.UTF-8"
    ),
]
Timezone = Annotated[str, accept(lambda name: name in ZONES(), "a time zone, such as Asia/Jakarta or Etc/UTC")]
Keyboard = Annotated[str, accept(LAYOUTS.split().__contains__, f"a keyboard layout, one of {LAYOUTS}")]
Line = Annotated[str, accept(whole(r"[ -~]{1,78}"), "one line of 1 to 78 printable ASCII characters")]
#: Stands last in the type of an option that is for the person's own ISO only, such as a password's.
SECRET = WithJsonSchema({"type": "string", "format": "password", "writeOnly": True})
Secret = Annotated[str, SECRET]
#: A file that somebody brought; a build that names one finds it at `in/uploads/<sha256>`.
Upload = Annotated[
    str,
    accept(whole(r"upload:[0-9a-f]{64}"), "an upload, 'upload:' and 64 hexadecimal digits, as 'isobuild upload' says"),
    WithJsonSchema({"type": "string", "format": "upload"}),
]
#: Stands last in the type of a text that may be the name of an upload, too.
OR_UPLOAD = WithJsonSchema({"type": "string", "format": "text-or-upload"})


def holding(kind: str, form: str = "upload", folder: str = "") -> WithJsonSchema:
    """Stands last, in the place of these, where the file is looked at when it is ordered: `kind` is one of sniff.KINDS.

    `folder`: a text that names no upload names a file in this folder of the site's.
    """
    return WithJsonSchema({"type": "string", "format": form, "holds": kind, **({"folder": folder} if folder else {})})


Picture = Annotated[Upload, holding("picture")]
MenuPicture = Annotated[Upload, holding("menu-picture")]
Tree = Annotated[Upload, holding("tree")]
#: Stands last in the type of a text of several lines, such as a script's.
MULTILINE = WithJsonSchema({"type": "string", "format": "multiline"})
