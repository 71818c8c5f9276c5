"""The site's signing key: GnuPG's, without a passphrase, in a folder that is the service's alone.

GnuPG's agent gets a scratch folder with links into that one: it ends with the call, many may sign at once, and the
path of the home may be as long as it likes.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from isobuild.errors import BadInput, HostFault, KeyExists

PUBLIC = "public.asc"
FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
NAME = re.compile(r"[^\W\d][^<>\x00-\x1f\x7f]{1,119}( <[\w.+-]+@[\w.-]+>)?")
SECRET = ("private-keys-v1.d", "pubring.kbx")  # what signing needs
KEPT = (*SECRET, "openpgp-revocs.d")
LIMIT = 60  # seconds for a call
LARGEST = 1 << 20  # bytes of a file with a key


@dataclass(frozen=True, slots=True)
class Key:
    """A key to sign with. `fingerprint`: 40 digits of hexadecimal; `public`: the public key, ASCII-armored."""

    folder: Path
    fingerprint: str
    public: str

    def sign(self, data: bytes) -> bytes:
        """A detached signature, ASCII-armored. Raises HostFault."""
        with _agent() as home:
            for name in SECRET:
                (home / name).symlink_to(self.folder / name)
            mine = ("--local-user", f"{self.fingerprint}!", "--digest-algo", "SHA512")
            trust = ("--trust-model", "always", "--no-auto-check-trustdb")
            try:
                signed: bytes = _gpg(home, *trust, *mine, "--armor", "--detach-sign", given=data).stdout
            except _Failed as error:
                raise _broken(self.folder, str(error)) from None
        return signed


class _Failed(Exception):
    """What gpg said."""


def find(folder: Path) -> Key | None:
    """The site's key; None if it has none. Raises HostFault if it is broken."""
    try:
        public = (folder / PUBLIC).read_text()
    except FileNotFoundError:
        if folder.exists():
            raise _broken(folder, f"{PUBLIC} is missing") from None
        return None
    except (OSError, ValueError) as error:
        raise _broken(folder, str(error)) from None
    mark = public.partition("\n")[0]
    if not FINGERPRINT.fullmatch(mark):
        raise _broken(folder, f"{PUBLIC} does not begin with a fingerprint")
    return Key(folder, mark, public.partition("\n")[2])


def make(folder: Path, name: str) -> Key:
    """Make the site's key, for a person's or a site's name. Raises BadInput, KeyExists, HostFault."""
    if not NAME.fullmatch(name):
        allowed = "a name of 2 to 120 characters, beginning with a letter; an address may follow, <iso@example.org>"
        raise BadInput(field="name", given=name[:140], allowed=allowed)

    def generate(home: Path) -> None:
        _gpg(home, "--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never")

    return _settle(folder, generate)


def take(folder: Path, file: Path) -> Key:
    """Make a key that somebody has already the site's: a secret key without a passphrase. Raises BadInput, KeyExists,
    HostFault.
    """
    given = _read(file, "import")

    def bring(home: Path) -> None:
        try:
            _gpg(home, "--import", given=given)
            (mark,) = _secret(home)
            _gpg(home, "--local-user", mark, "--pinentry-mode", "error", "--detach-sign", given=b"")
        except (_Failed, ValueError):
            allowed = "a file with one secret key of GnuPG's, without a passphrase, that can sign"
            raise BadInput(field="import", given=str(file), allowed=allowed) from None

    return _settle(folder, bring)


def signer(data: bytes, signature: bytes, key: bytes, name: str) -> tuple[bool, str]:
    """Whether a detached signature of the data is good by a public key, and else why not; with the key's fingerprint.

    `key`: armored or not; `name`: its file's. Raises BadInput if that is no public key, HostFault.
    """
    with _agent() as home:
        try:
            _gpg(home, "--import", "--import-options", "import-minimal", given=key)
        except _Failed:
            allowed = "a file with a public key of GnuPG's, armored or not"
            raise BadInput(field="key", given=name, allowed=allowed) from None
        (home / "data").write_bytes(data)
        (home / "signature").write_bytes(signature)
        done = _run(home, "--trust-model", "always", "--verify", home / "signature", home / "data")
        return _verdict(done.stdout.decode(errors="replace"))


def _verdict(status: str) -> tuple[bool, str]:
    """What gpg's status lines say (its doc/DETAILS)."""
    said = {words[1]: words[2:] for words in map(str.split, status.splitlines()) if len(words) > 1}
    if "VALIDSIG" in said and "GOODSIG" in said:
        return True, said["VALIDSIG"][-1]
    if "BADSIG" in said:
        return False, "it is not a signature of these sums: they were changed, or it was"
    if "ERRSIG" in said:
        return False, f"it is by another key, {said['ERRSIG'][-1] if len(said['ERRSIG']) > 6 else said['ERRSIG'][0]}"
    for word, why in {"EXPKEYSIG": "the key has expired", "REVKEYSIG": "the key was revoked"}.items():
        if word in said:
            return False, why
    return False, "it is no signature that GnuPG understands"


def _settle(folder: Path, fill: Callable[[Path], None]) -> Key:
    """Make the folder, whole or not at all."""
    if folder.exists():
        raise KeyExists(folder=folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _agent() as home:
        try:
            fill(home)
            (mark,) = _secret(home)
            public = _gpg(home, "--armor", "--export", mark).stdout.decode()
        except (_Failed, ValueError) as error:
            raise HostFault(what=f"The key can't be made: {error}") from None
        _close(home)
        _keep(home, folder, f"{mark}\n{public}")
    return Key(folder, mark, public)


def _keep(home: Path, folder: Path, public: str) -> None:
    with TemporaryDirectory(dir=folder.parent, prefix=".key-") as scratch:
        part = Path(scratch) / "key"
        part.mkdir(mode=0o700)
        for name in KEPT:
            if (home / name).exists():
                copy = shutil.copytree if (home / name).is_dir() else shutil.copy2
                copy(home / name, part / name)
        (part / PUBLIC).write_text(public)
        for file in part.rglob("*"):
            file.chmod(0o700 if file.is_dir() else 0o600)
            _sync(file)
        try:
            part.rename(folder)
        except OSError:  # somebody else was the first
            raise KeyExists(folder=folder) from None


def _sync(file: Path) -> None:
    opened = os.open(file, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _secret(home: Path) -> list[str]:
    """The fingerprints of the secret keys there."""
    listed = _gpg(home, "--list-secret-keys").stdout.decode(errors="replace")
    rows = [line.split(":") for line in listed.splitlines()]
    return [after[9] for row, after in pairwise(rows) if row[0] == "sec" and after[0] == "fpr"]


@contextmanager
def _agent() -> Iterator[Path]:
    """A scratch home for GnuPG, whose agent ends with it."""
    with TemporaryDirectory(prefix="isobuild-gpg-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch)
        try:
            yield home
        finally:
            _close(home)


def _close(home: Path) -> None:
    import sh

    with suppress(sh.CommandNotFound, sh.ErrorReturnCode):
        sh.Command("gpgconf")("--homedir", home, "--kill", "gpg-agent", _tty_out=False)


def _gpg(home: Path, *arguments: object, given: bytes = b"") -> Any:
    done = _run(home, *arguments, given=given)
    if done.exit_code:
        said = done.stderr.decode(errors="replace").strip()
        raise _Failed(said.splitlines()[-1] if said else f"gpg ended with exit status {done.exit_code}")
    return done


def _run(home: Path, *arguments: object, given: bytes = b"") -> Any:
    import sh

    status = () if {"--detach-sign", "--export"} & set(arguments) else ("--status-fd", "1")  # these print otherwise
    quiet = ("--homedir", home, "--batch", "--no-tty", "--quiet", "--with-colons", *status)
    env = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ} | {"LC_ALL": "C.UTF-8"}
    try:
        return sh.Command("gpg")(
            *quiet,
            *arguments,
            _in=given,
            _env=env,
            _tty_out=False,
            _ok_code=list(range(256)),
            _timeout=LIMIT,
            _return_cmd=True,
        )
    except (sh.CommandNotFound, sh.TimeoutException, sh.SignalException) as error:
        raise HostFault(what=f"GnuPG can't be run: {error or type(error).__name__} (apt-get install gnupg).") from None


def _read(file: Path, field: str) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST)
    except OSError as error:
        raise BadInput(field=field, given=str(file), allowed=f"a file that can be read ({error.strerror})") from None


def _broken(folder: Path, why: str) -> HostFault:
    mend = "restore it from a copy, or move it away to go on without a key or with a new one"
    return HostFault(what=f"The signing key in {folder} is broken ({why}): {mend}.")
