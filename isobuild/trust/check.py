"""Holds an ISO against what lies beside it, offline: each look says what it found, or that there was nothing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any, Literal

from isobuild.errors import BadInput
from isobuild.trust import keys, provenance, sbom, sums, torrent, zsync
from isobuild.trust.beside import SUFFIXES, name_of, stem

State = Literal["ok", "wrong", "missing", "unknown"]
CHUNK = 1 << 20
LARGEST = 64 << 20  # bytes of a file beside an ISO that is read
SIGNATURES = (".asc", ".sig", ".gpg", ".sign")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look came to. `unknown`: there is something, and nothing to check it with."""

    what: str
    state: State
    says: str


@dataclass(frozen=True, slots=True)
class Trusted:
    """The key that a signature must be by: its name for people, and the public key. `asked`: by the person."""

    name: str
    public: bytes
    asked: bool = False


@dataclass
class Iso:
    """An ISO, what lies beside it, and the digests that these ask for."""

    path: Path
    sha256: str = ""
    sha1: str = ""
    pieces: bytes = b""
    torrent: Mapping[bytes, Any] = field(default_factory=dict)

    def beside(self, kind: str) -> Path:
        """Where the file of this kind is, if there is one."""
        return self.path.with_name(name_of(kind, self.path.name))

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size


def check(path: Path, trusted: Trusted | None) -> list[Found]:
    """Look at everything beside an ISO. Raises BadInput if it can't be read."""
    iso = Iso(path)
    unreadable = _read_torrent(iso)
    _digest(iso)
    listed = _sums(iso)
    return [
        *_checksum(iso, listed),
        _signature(listed, trusted),
        *_others(iso, listed),
        _statement(iso, "sbom", "SBOM", sbom.digest_in),
        _statement(iso, "provenance", "provenance", provenance.digest_in),
        _zsync(iso),
        unreadable or _torrent(iso),
    ]


def _read_torrent(iso: Iso) -> Found | None:
    try:
        iso.torrent = torrent.info(_read(iso.beside("torrent")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return Found("torrent", "wrong", f"it can't be read ({error})")
    return None


def _digest(iso: Iso) -> None:
    """Read the ISO once."""
    pieces = torrent.Pieces(iso.torrent[b"piece length"]) if iso.torrent else None
    whole, old = sha256(), sha1(usedforsecurity=False)
    wants_old = iso.beside("zsync").exists()
    try:
        with iso.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                whole.update(chunk)
                if wants_old:
                    old.update(chunk)
                if pieces:
                    pieces.feed(chunk)
    except OSError as error:
        allowed = f"an ISO that can be read ({error.strerror})"
        raise BadInput(field="FILE", given=str(iso.path), allowed=allowed) from None
    iso.sha256, iso.sha1, iso.pieces = whole.hexdigest(), old.hexdigest(), pieces.end() if pieces else b""


# sums and signature


def _sums(iso: Iso) -> tuple[Path, dict[str, str]] | None:
    """The file with its checksum, and what that says; of several the first that knows this ISO."""
    names = (name_of("sums", iso.path.name), "SHA256SUMS", f"{iso.path.name}.sha256")
    there = [path for path in map(iso.path.with_name, names) if path.is_file()]
    read = [(path, sums.read(_read(path).decode(errors="replace"))) for path in there]
    knowing = (each for each in read if iso.path.name in each[1] or iso.sha256 in each[1].values())
    own = (each for each in read if each[0].name == names[0])
    return next(knowing, None) or next(own, None)


def _called(iso: Iso, listed: Mapping[str, str]) -> str:
    """The name that an ISO has in its sums: its builder may have called it otherwise."""
    if iso.path.name in listed:
        return iso.path.name
    return next((name for name, digest in listed.items() if digest == iso.sha256), "")


def _checksum(iso: Iso, found: tuple[Path, dict[str, str]] | None) -> list[Found]:
    if found is None:
        return [Found("SHA-256", "missing", f"{iso.sha256} (there is no checksum beside it)")]
    path, listed = found
    name = _called(iso, listed)
    if listed.get(name) != iso.sha256:
        return [Found("SHA-256", "wrong", f"not what {path.name} says: it is damaged, or another ISO")]
    return [Found("SHA-256", "ok", f"as {path.name} says{'' if name == iso.path.name else f' of {name}'}")]


def _signature(found: tuple[Path, dict[str, str]] | None, trusted: Trusted | None) -> Found:
    signature = found and next(filter(Path.is_file, (Path(f"{found[0]}{end}") for end in SIGNATURES)), None)
    if found is None or signature is None:
        state: State = "wrong" if trusted and trusted.asked else "missing"
        return Found("signature", state, "there is none beside it")
    if trusted is None:
        return Found("signature", "unknown", f"there is {signature.name}, and no key to check it by (say --key FILE)")
    good, says = keys.signer(_read(found[0]), _read(signature), trusted.public, trusted.name)
    if good:
        return Found("signature", "ok", f"good, by {trusted.name}, {says}")
    return Found("signature", "wrong", f"not good by {trusted.name}: {says}")


def _others(iso: Iso, found: tuple[Path, dict[str, str]] | None) -> list[Found]:
    """The other files that the sums name, as far as they are there."""
    called = found and _called(iso, found[1])
    if found is None or not called:
        return []
    suffixes = {name: name.removeprefix(stem(called)) for name in found[1] if name.startswith(f"{stem(called)}.")}
    there = {
        name: path
        for name, suffix in suffixes.items()
        if name != called and (path := iso.path.with_name(f"{stem(iso.path.name)}{suffix}")).is_file()
    }
    wrong = [path.name for name, path in there.items() if sha256(_read(path)).hexdigest() != found[1][name]]
    if wrong:
        return [Found("files beside it", "wrong", f"{', '.join(wrong)}: not what {found[0].name} says")]
    names = ", ".join(path.name for path in there.values())
    return [Found("files beside it", "ok", f"{names}: as {found[0].name} says")] if there else []


# the others


def _statement(iso: Iso, kind: str, what: str, digest_in: Callable[[Any], str | None]) -> Found:
    path = iso.beside(kind)
    try:
        about = digest_in(json.loads(_read(path)))
    except FileNotFoundError:
        return _none(what)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Found(what, "wrong", f"{path.name} can't be read ({type(error).__name__}: {error})")
    return _verdict(what, path, about == iso.sha256)


def _zsync(iso: Iso) -> Found:
    path = iso.beside("zsync")
    try:
        with path.open("rb") as file:
            head = zsync.head(file.read(zsync.HEAD))
    except FileNotFoundError:
        return _none("zsync")
    except (OSError, ValueError) as error:
        return Found("zsync", "wrong", f"{path.name} can't be read ({error})")
    return _verdict("zsync", path, (head.get("SHA-1"), head.get("Length")) == (iso.sha1, str(iso.size)))


def _torrent(iso: Iso) -> Found:
    if not iso.torrent:
        return _none("torrent")
    told = iso.torrent.get(b"length"), iso.torrent.get(b"pieces")
    return _verdict("torrent", iso.beside("torrent"), told == (iso.size, iso.pieces))


def _verdict(what: str, path: Path, good: bool) -> Found:
    if good:
        return Found(what, "ok", f"{path.name} is of this ISO")
    return Found(what, "wrong", f"{path.name} is of another ISO")


def _none(what: str) -> Found:
    return Found(what, "missing", "there is none beside it")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST)


__all__ = ["SUFFIXES", "Found", "Trusted", "check"]
