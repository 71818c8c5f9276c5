"""apt takes further archives as they are told: by their key and password, and without what is excluded."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import sh

from image.custom.samples import PGP_KEY
from isobuild.image import custom
from isobuild.image.custom import Customisation

CONTROL = "Package: {}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: none\n"
EXPECTED = f"Basic {base64.b64encode(b'me:t3apass').decode()}"


class Guarded(SimpleHTTPRequestHandler):
    """Serves a folder to who knows the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == EXPECTED:
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def key(needed: Callable[[str], str], archive: Path) -> str:
    """The archive's key; its Release is signed with it."""
    gpg = sh.Command(needed("gpg")).bake("--homedir", f"{archive / 'keys'}", "--batch", "--pinentry-mode=loopback")
    gpg("--passphrase", "", "--quick-gen-key", "Tea <tea@example.org>", "ed25519", "sign", "never")
    gpg("--clear-sign", "--output", f"{archive / 'InRelease'}", f"{archive / 'Release'}")
    yielded = f"{gpg('--armor', '--export')}"
    sh.Command(needed("gpgconf"))("--homedir", f"{archive / 'keys'}", "--kill", "all")
    return yielded


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive without suites, with two packages."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "keys").mkdir(mode=0o700)
    stanzas = [
        f"{CONTROL.format(name)}Filename: ./{name}.deb\nSize: 1\nSHA256: {'0' * 64}\n" for name in ("tea", "cup")
    ]
    packages = "\n".join(stanzas).encode()
    (folder / "Packages").write_bytes(packages)
    listed = f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n"
    (folder / "Release").write_text(f"Date: Tue, 14 Nov 2023 22:13:20 UTC\nArchitectures: amd64 all\nSHA256:\n{listed}")
    return folder


@pytest.fixture(scope="module")
def address(archive: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=f"{archive}")) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Apt:
    """apt in folders of its own, with what a customisation tells it."""

    def __init__(self, folder: Path, chosen: Customisation) -> None:
        texts = {"more.sources": custom.sources(chosen), "auth": custom.logins(chosen), "status": ""}
        texts["preferences"] = custom.preferences(chosen)
        for name, text in texts.items():
            (folder / name).write_text(text)
        (folder / "lists/partial").mkdir(parents=True)
        own = {
            "Dir::Etc::sourcelist": folder / "more.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::netrc": folder / "auth",
            "Dir::Etc::preferences": folder / "preferences",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": folder,
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder,
            "APT::Sandbox::User": "",
            "APT::Architecture": "amd64",
        }
        self.options = [f"-o{name}={value}" for name, value in own.items()]

    def update(self) -> None:
        """Raises sh.ErrorReturnCode if an archive can't be used."""
        sh.Command("apt-get")(*self.options, "-oAPT::Update::Error-Mode=any", "update")

    def candidate(self, name: str) -> str:
        said = f"{sh.Command('apt-cache')(*self.options, 'policy', name)}"
        return next(line.split(": ")[1] for line in said.splitlines() if "Candidate" in line)


def _order(address: str, key: str, **more: object) -> Customisation:
    repository = {"uri": address, "suite": "./", "key": key, "username": "me", "password": "t3apass"}
    return Customisation.model_validate({"exclude": "cup", "repositories": [repository | more]})


@pytest.fixture(autouse=True)
def _tools(needed: Callable[[str], str]) -> None:
    for tool in ("apt-get", "apt-cache"):
        needed(tool)


def test_an_archive_is_read_with_its_key_and_password(tmp_path: Path, address: str, key: str) -> None:
    apt = Apt(tmp_path, _order(address, key))
    apt.update()
    assert apt.candidate("tea") == "1"
    assert apt.candidate("cup") == "(none)"


def test_a_key_of_another_is_not_taken(tmp_path: Path, address: str, key: str) -> None:
    with pytest.raises(sh.ErrorReturnCode, match="couldn't be verified"):
        Apt(tmp_path, _order(address, PGP_KEY)).update()


def test_without_the_password_nothing_is_read(tmp_path: Path, address: str, key: str) -> None:
    with pytest.raises(sh.ErrorReturnCode, match="401"):
        Apt(tmp_path, _order(address, key, password="wrong")).update()
