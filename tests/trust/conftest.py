"""Keys, and an ISO with all that lies beside one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from isobuild.trust import keys, provenance, sbom, sums, torrent, zsync
from isobuild.trust.beside import name_of
from isobuild.trust.keys import Key
from isobuild.trust.packages import Package
from isobuild.trust.provenance import Making

CONTENT = b"an ISO, as it were" * 50000
MAKING = Making(
    recipe="tea", version=1, options={}, epoch=0, installation="101ed027-74f3-4537-ad7d-4987dfd70615", isobuild="1",
    build=7, started=datetime(2026, 11, 21, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture(scope="session")
def key(needed: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Key:
    """A site's key; its folder has a path that is too long for GnuPG's agent."""
    needed("gpg")
    return keys.make(tmp_path_factory.mktemp("site") / ("long" * 40) / "signing", "Tea <tea@example.org>")


@pytest.fixture(scope="session")
def other(needed: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Somebody else's key."""
    needed("gpg")
    return keys.make(tmp_path_factory.mktemp("other") / "signing", "Other")


@pytest.fixture
def iso(tmp_path: Path, key: Key, needed: Callable[[str], str]) -> Path:
    """tea.iso, and everything that can lie beside it."""
    needed("zsyncmake")
    path = tmp_path / "tea.iso"
    path.write_bytes(CONTENT)
    digest = sha256(CONTENT).hexdigest()
    pieces = torrent.Pieces(torrent.piece_length(len(CONTENT)))
    pieces.feed(CONTENT)
    files = {
        "manifest": b"bash 5.2\n",
        "sbom": sbom.write(digest, "TEA", [Package("bash", "5.2")], 0, "isobuild-1"),
        "provenance": provenance.write(MAKING, {"tea.iso": digest}, [], MAKING.started),
        "torrent": torrent.write("tea.iso", len(CONTENT), pieces),
        "zsync": _zsync(tmp_path),
    }
    text = sums.write({"tea.iso": digest} | {name_of(k, "tea.iso"): sha256(v).hexdigest() for k, v in files.items()})
    for kind, content in (files | {"sums": text, "signature": key.sign(text)}).items():
        path.with_name(name_of(kind, "tea.iso")).write_bytes(content)
    return path


def _zsync(folder: Path) -> bytes:
    with (folder / "tea.iso").open("rb") as iso, zsync.Making(folder, "tea.iso", iso) as making:
        assert making.end()
    content = making.path.read_bytes()
    making.path.unlink()
    return content


def reseal(iso: Path, key: Key) -> None:
    """Make sums and signature anew of what is there."""
    there = sorted(path for path in iso.parent.iterdir() if "SHA256SUMS" not in path.name)
    text = sums.write({path.name: sha256(path.read_bytes()).hexdigest() for path in there})
    iso.with_suffix(".SHA256SUMS").write_bytes(text)
    iso.with_suffix(".SHA256SUMS.asc").write_bytes(key.sign(text))


def change(path: Path, old: str, new: str) -> None:
    """Change a JSON file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    json.loads(path.read_text())
