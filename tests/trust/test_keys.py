"""The site's key: made once, signs without anybody's help, and its signatures are GnuPG's."""

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from isobuild.errors import BadInput, HostFault, KeyExists
from isobuild.trust import keys
from isobuild.trust.keys import Key

TEXT = b"5a5a  tea.iso\n"


def gpg(home: Path, *arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """GnuPG with a home of its own, as people have it."""
    command = ["gpg", "--homedir", f"{home}", "--batch", "--quiet", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=False)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Somebody's GnuPG home."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    return home


def agents() -> int:
    """How many of GnuPG's agents are at work for us."""
    found = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    return sum(b"gpg-agent" in each and b"isobuild-gpg-" in each for each in found)


def test_only_the_service_can_read_it(key: Key) -> None:
    assert key.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in key.folder.rglob("*")} == {0}
    assert keys.find(key.folder) == key


def test_people_check_its_signatures_with_gnupg(key: Key, people: Path, tmp_path: Path) -> None:
    (tmp_path / "sums").write_bytes(TEXT)
    (tmp_path / "sums.asc").write_bytes(key.sign(TEXT))
    assert gpg(people, "--import", given=key.public.encode()).returncode == 0
    checked = gpg(people, "--status-fd", "1", "--verify", tmp_path / "sums.asc", tmp_path / "sums")
    assert (checked.returncode, key.fingerprint.encode() in checked.stdout) == (0, True)
    (tmp_path / "sums").write_bytes(TEXT.upper())
    assert gpg(people, "--verify", tmp_path / "sums.asc", tmp_path / "sums").returncode == 1


def test_many_sign_at_once_and_nothing_stays(key: Key) -> None:
    before = sorted(path.name for path in key.folder.rglob("*"))
    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(key.sign, [b"%d" % number for number in range(24)]))
    for number, signature in enumerate(signatures[:3]):
        assert keys.signer(b"%d" % number, signature, key.public.encode(), "key.asc") == (True, key.fingerprint)
    assert sorted(path.name for path in key.folder.rglob("*")) == before
    assert agents() == 0


def test_why_a_signature_is_not_good(key: Key, other: Key) -> None:
    signature, public = key.sign(TEXT), key.public.encode()
    assert keys.signer(TEXT, signature, public, "k") == (True, key.fingerprint)
    assert keys.signer(TEXT + b"x", signature, public, "k")[1].startswith("it is not a signature of these sums")
    assert keys.signer(TEXT, signature, other.public.encode(), "k") == (
        False, f"it is by another key, {key.fingerprint}",
    )  # fmt: skip
    for junk in (b"", b"junk", public):
        assert keys.signer(TEXT, junk, public, "k") == (False, "it is no signature that GnuPG understands")


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"])
def test_what_is_no_public_key(key: Key, junk: bytes) -> None:
    with pytest.raises(BadInput, match=r"key: 'my\.asc' can't be used: a file with a public key"):
        keys.signer(TEXT, key.sign(TEXT), junk, "my.asc")


def test_a_key_that_people_had_before(people: Path, tmp_path: Path) -> None:
    made = gpg(people, "--passphrase", "", "--quick-generate-key", "Old <old@example.org>", "rsa2048", "sign", "never")
    assert made.returncode == 0
    (tmp_path / "old.key").write_bytes(gpg(people, "--export-secret-keys").stdout)
    key = keys.take(tmp_path / "home/signing", tmp_path / "old.key")
    assert keys.signer(TEXT, key.sign(TEXT), gpg(people, "--export").stdout, "k") == (True, key.fingerprint)
    subprocess.run(["gpgconf", "--homedir", f"{people}", "--kill", "gpg-agent"], check=True)


def test_a_key_with_a_passphrase_can_not_sign_by_itself(people: Path, tmp_path: Path) -> None:
    locked = ("--passphrase", "secret", "--pinentry-mode", "loopback")
    assert gpg(people, *locked, "--quick-generate-key", "Locked", "ed25519", "sign", "never").returncode == 0
    (tmp_path / "locked.key").write_bytes(gpg(people, *locked, "--export-secret-keys").stdout)
    subprocess.run(["gpgconf", "--homedir", f"{people}", "--kill", "gpg-agent"], check=True)
    with pytest.raises(BadInput, match="without a passphrase"):
        keys.take(tmp_path / "signing", tmp_path / "locked.key")
    assert not (tmp_path / "signing").exists()


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_file_that_is_no_secret_key(tmp_path: Path, content: bytes, needed: Callable[[str], str]) -> None:
    needed("gpg")
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BadInput, match=r"import: .* one secret key of GnuPG's"):
        keys.take(tmp_path / "signing", tmp_path / "file")
    with pytest.raises(BadInput, match="a file that can be read"):
        keys.take(tmp_path / "signing", tmp_path / "no")


def test_a_public_key_is_no_secret_one(tmp_path: Path, key: Key) -> None:
    (tmp_path / "public.asc").write_text(key.public)
    with pytest.raises(BadInput, match="one secret key"):
        keys.take(tmp_path / "signing", tmp_path / "public.asc")


def test_a_second_one_is_not_made(key: Key) -> None:
    with pytest.raises(KeyExists, match="This site has a key already"):
        keys.make(key.folder, "Another")
    assert keys.find(key.folder) == key


@pytest.mark.parametrize("name", ["", "t", "1 and more", "a\nb and more", "Tea <no address>", "x" * 200])
def test_names_that_can_not_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"name: .* a name of 2 to 120 characters"):
        keys.make(tmp_path / "signing", name)


def test_without_a_key(tmp_path: Path) -> None:
    assert keys.find(tmp_path / "signing") is None


def test_a_broken_key_is_the_hosts_fault(tmp_path: Path, needed: Callable[[str], str]) -> None:
    needed("gpg")
    key = keys.make(tmp_path / "signing", "Broken")
    for secret in (key.folder / "private-keys-v1.d").iterdir():
        secret.write_bytes(b"junk")
    with pytest.raises(HostFault, match=r"The signing key in .*signing is broken \(.*\): restore it from a copy"):
        key.sign(TEXT)
    (key.folder / keys.PUBLIC).write_text("junk")
    with pytest.raises(HostFault, match="does not begin with a fingerprint"):
        keys.find(key.folder)
    (key.folder / keys.PUBLIC).unlink()
    with pytest.raises(HostFault, match=r"public\.asc is missing"):
        keys.find(key.folder)


def test_without_gnupg(key: Key, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}")
    with pytest.raises(HostFault, match="apt-get install gnupg"):
        key.sign(TEXT)
