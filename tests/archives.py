"""A small archive of Debian packages on this machine, served by HTTP: what it has can change, and it can go away."""

import functools
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import file_digest, sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import sh

RELEASED = datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing, and notes what was asked for."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        type(self).asked.append(self.path)


@dataclass
class SmallArchive:
    """An archive below a folder; `uri` is its address while it is served."""

    folder: Path
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sources(self) -> str:
        return f"Types: deb\nURIs: {self.uri}\nSuites: tea\nComponents: main\nTrusted: yes\n"

    def add(self, name: str, version: str = "1.0", files: Mapping[str, str] | None = None, **fields: str) -> Path:
        """A package, with these files (path -> text); the fields are as in its control file, `Pre_Depends` for -."""
        tree = self.folder / "trees" / f"{name}-{version}"
        control = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "nobody", **fields}
        said = {key.replace("_", "-"): value for key, value in control.items()} | {"Description": f"a {name}"}
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text("".join(f"{key}: {value}\n" for key, value in said.items()))
        for path, text in (files or {}).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        pool = self.folder / "pool"
        pool.mkdir(exist_ok=True)
        built = pool / f"{name}_{version}_all.deb"
        sh.Command("dpkg-deb")("--root-owner-group", "-b", str(tree), str(built))
        return built

    def publish(self, released: datetime = RELEASED, suite: str = "tea") -> None:
        """Let apt know of what was added until now."""
        listed = self.folder / "dists" / suite / "main" / "binary-amd64" / "Packages"
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text("\n".join(map(_stanza, sorted((self.folder / "pool").glob("*.deb")))))
        content = listed.read_bytes()
        index = f" {sha256(content).hexdigest()} {len(content)} main/binary-amd64/Packages\n"
        dated = format_datetime(released, usegmt=True).replace("GMT", "UTC")
        facts = f"Suite: {suite}\nCodename: {suite}\nDate: {dated}\nArchitectures: amd64 all\nComponents: main\n"
        release = self.folder / "dists" / suite / "Release"
        release.write_text(f"{facts}SHA256:\n{index}")
        for path in (listed, release):  # by which apt and the server tell what is new
            os.utime(path, (released.timestamp(), released.timestamp()))


def _stanza(package: Path) -> str:
    said = str(sh.Command("dpkg-deb")("-f", str(package)))
    with package.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return f"{said.strip()}\nFilename: pool/{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"


@contextmanager
def served(archive: SmallArchive) -> Iterator[SmallArchive]:
    """Serve it; at the end, and until it is served again, it is away."""
    handler = type("Handler", (Quiet,), {"asked": archive.asked})
    serve = functools.partial(handler, directory=str(archive.folder))
    server = ThreadingHTTPServer(("127.0.0.1", archive.port), serve)
    archive.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
