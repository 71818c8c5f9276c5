"""Archives beside Debian's: where they are, the key that they sign with, and what goes before what."""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

from isobuild.image.custom.kinds import FROZEN, Unix, Words
from isobuild.image.fields import MULTILINE, SECRET, Package, Unset, accept, whole

ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:[!-9;-~]+: [^\n]*\n)*\n?"
    r"(?P<data>[A-Za-z0-9+/=\n]+?)(?:\n=(?P<sum>[A-Za-z0-9+/]{4}))?\n-----END PGP PUBLIC KEY BLOCK-----"
)
KEY_PACKET = 6
NEVER = -1


def check_key(text: str) -> str:
    """The key's block alone, one newline at its end. Raises ValueError if there is none, or it is damaged."""
    if "PRIVATE KEY" in text:
        raise ValueError("the archive's public key; this is a private one: keep it to yourself")
    found = ARMOR.search("\n".join(line.strip() for line in text.splitlines()))
    if not found:
        raise ValueError("a public key as 'gpg --armor --export' writes it: -----BEGIN PGP PUBLIC KEY BLOCK----- ...")
    if not is_key(found["data"], found["sum"]):
        raise ValueError("a public key that is whole; this one is damaged: copy it again")
    return f"{found[0]}\n"


def is_key(data: str, checksum: str | None) -> bool:
    """Whether these base64 texts are a public key and its checksum (RFC 4880)."""
    try:
        raw = base64.b64decode(data.replace("\n", ""), validate=True)
        told = int.from_bytes(base64.b64decode(checksum, validate=True), "big") if checksum else None
    except binascii.Error:
        return False
    return len(raw) > 40 and _tag(raw[0]) == KEY_PACKET and told in (None, _crc24(raw))


Key = Annotated[str, Unix, AfterValidator(check_key), MULTILINE]
Uri = Annotated[
    str,
    accept(
        whole(r"https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?(/[\w.~+-]+)*/?"),
        "the http or https address of an archive, without a password, such as https://packages.example.org/debian",
    ),
]
Suite = Annotated[
    str,
    accept(
        whole(r"[A-Za-z0-9][\w.+/-]{0,99}|\./"),
        "the name of a suite, such as bookworm, stable or bookworm/updates; './' of an archive without suites",
    ),
]
Component = Annotated[str, accept(whole(r"[A-Za-z0-9][\w.+/-]{0,49}"), "the name of a component, such as main")]
Login = Annotated[str, accept(whole(r"[!-~]{1,200}"), "printable ASCII characters without spaces")]


class Repository(BaseModel):
    """An archive of packages."""

    model_config = FROZEN

    uri: Uri = Field(description="its address, such as https://packages.example.org/debian")
    suite: Suite = Field(description="its suite, such as bookworm or stable")
    components: Annotated[tuple[Component, ...], Words] = Field(
        ("main",), max_length=20, description="its components, such as main contrib; none of an archive without suites"
    )
    key: Annotated[Key, MULTILINE] = Field(
        max_length=1 << 18, description="the public key that it signs with, as 'gpg --armor --export' writes it"
    )
    username: Annotated[Login | None, Unset] = Field(None, description="the name to log in to it with, if it asks")
    password: Annotated[Login | None, Unset, SECRET] = Field(
        None, description="the password to log in to it with; used while building, and not left in the ISO"
    )
    priority: int = Field(
        500,
        ge=1,
        le=1001,
        description="which goes first, as in apt_preferences: 500 as Debian's own, 100 less, 990 more",
    )

    @property
    def is_flat(self) -> bool:
        """Whether it has no suites."""
        return self.suite.endswith("/")


def stanza(repository: Repository, signed_by: str) -> str:
    """Its deb822 text; `signed_by` is the path of a key in the system, or the key itself."""
    named = signed_by if "\n" not in signed_by else _folded(signed_by)
    fields = {"Types": "deb", "URIs": repository.uri, "Suites": repository.suite}
    components = {} if repository.is_flat else {"Components": " ".join(repository.components)}
    # who has no password can't use it
    switch = {"Enabled": "no"} if repository.username else {}
    switch = switch if "\n" not in signed_by else {}
    return "".join(
        f"{name}: {value}\n" for name, value in (fields | components | switch | {"Signed-By": named}).items()
    )


def sources(repositories: Sequence[Repository]) -> str:
    """The deb822 text of all, with their keys in it: for who installs from them while building."""
    return "\n".join(stanza(each, each.key) for each in repositories)


def logins(repositories: Sequence[Repository]) -> str:
    """The text of apt's auth.conf for those that ask for a password: a secret of the build's."""
    asking = (each for each in repositories if each.username)
    return "".join(f"machine {each.uri} login {each.username} password {each.password or ''}\n" for each in asking)


def preferences(repositories: Sequence[Repository], never: Sequence[Package]) -> str:
    """apt_preferences(5): the repositories' priorities, and the packages that are never installed."""
    chosen = {urlsplit(each.uri).hostname: each.priority for each in repositories if each.priority != 500}
    pins = [("*", f'origin "{host}"', priority) for host, priority in chosen.items()]
    pins += [(" ".join(never), "release *", NEVER)] if never else []
    return "\n".join(f"Package: {names}\nPin: {pin}\nPin-Priority: {rank}\n" for names, pin, rank in pins)


def _folded(key: str) -> str:
    return "".join(f"\n {line or '.'}" for line in key.rstrip("\n").split("\n"))


def _tag(byte: int) -> int:
    return byte & 0x3F if byte & 0x40 else (byte >> 2) & 0xF


def _crc24(data: bytes) -> int:
    remainder = 0xB704CE
    for byte in data:
        remainder ^= byte << 16
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x1864CFB if remainder & 0x800000 else 0)
    return remainder & 0xFFFFFF
