"""What lies beside an ISO is held against it: each fault is found, and what is missing is said."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from isobuild.errors import BadInput
from isobuild.trust.check import Found, Trusted, check
from isobuild.trust.keys import Key

from .conftest import CONTENT, change, reseal

ALL = ("SHA-256", "signature", "files beside it", "SBOM", "provenance", "zsync", "torrent")


def looked(iso: Path, key: Key | None = None, *, asked: bool = False) -> dict[str, Found]:
    """What was found, by what was looked at."""
    trusted = Trusted("the key", key.public.encode(), asked) if key else None
    return {each.what: each for each in check(iso, trusted)}


def states(found: dict[str, Found]) -> dict[str, str]:
    """What is not as it should be."""
    return {what: each.state for what, each in found.items() if each.state != "ok"}


def test_everything_is_as_it_was_made(iso: Path, key: Key) -> None:
    found = looked(iso, key)
    assert tuple(found) == ALL
    assert states(found) == {}
    assert found["signature"].says == f"good, by the key, {key.fingerprint}"


def test_with_another_name_it_is_the_same(iso: Path, key: Key) -> None:
    """A task that shares another's ISO has it, and the files beside it, under its own name."""
    for path in list(iso.parent.iterdir()):
        path.rename(path.with_name(path.name.replace("tea", "green.tea", 1)))
    found = looked(iso.with_name("green.tea.iso"), key)
    assert (tuple(found), states(found)) == (ALL, {})
    assert found["SHA-256"].says == "as green.tea.SHA256SUMS says of tea.iso"
    iso.with_name("green.tea.manifest").write_text("other")
    assert states(looked(iso.with_name("green.tea.iso"), key)) == {"files beside it": "wrong"}


def test_one_changed_byte_is_found_by_all(iso: Path, key: Key) -> None:
    iso.write_bytes(b"A" + CONTENT[1:])
    wrong = dict.fromkeys(("SHA-256", "SBOM", "provenance", "zsync", "torrent"), "wrong")
    assert states(looked(iso, key)) == wrong


def test_one_that_was_cut(iso: Path, key: Key) -> None:
    iso.write_bytes(CONTENT[:-1])
    assert states(looked(iso, key)) == dict.fromkeys(("SHA-256", "SBOM", "provenance", "zsync", "torrent"), "wrong")


def test_another_iso_with_its_own_sums_is_not_what_was_signed(iso: Path, key: Key) -> None:
    iso.write_bytes(b"evil")
    iso.with_suffix(".SHA256SUMS").write_text(f"{sha256(b'evil').hexdigest()}  tea.iso\n")
    found = looked(iso, key)
    assert (found["SHA-256"].state, found["signature"].state) == ("ok", "wrong")
    assert "it is not a signature of these sums" in found["signature"].says


def test_somebody_elses_signature(iso: Path, key: Key, other: Key) -> None:
    reseal(iso, other)
    found = looked(iso, key)["signature"]
    assert (found.state, found.says) == (
        "wrong", f"not good by the key: it is by another key, {other.fingerprint}",
    )  # fmt: skip
    assert states(looked(iso, other)) == {}


def test_a_signature_and_no_key(iso: Path) -> None:
    found = looked(iso)["signature"]
    assert (found.state, found.says) == (
        "unknown", "there is tea.SHA256SUMS.asc, and no key to check it by (say --key FILE)",
    )  # fmt: skip


def test_who_names_a_key_wants_a_signature(iso: Path, key: Key) -> None:
    iso.with_suffix(".SHA256SUMS.asc").unlink()
    assert looked(iso, key)["signature"].state == "missing"
    assert looked(iso, key, asked=True)["signature"].state == "wrong"


def test_statements_about_another_iso(iso: Path, key: Key) -> None:
    for kind in ("spdx", "provenance"):
        change(iso.with_suffix(f".{kind}.json"), sha256(CONTENT).hexdigest(), "5a" * 32)
    reseal(iso, key)
    assert states(looked(iso, key)) == {"SBOM": "wrong", "provenance": "wrong"}


@pytest.mark.parametrize("name", ["spdx.json", "provenance.json", "zsync", "torrent"])
@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b"\xff\xfe", b"[" * 9999, b"d4:infod12:piece lengthi0eee"])
def test_junk_is_wrong_and_no_traceback(iso: Path, key: Key, name: str, content: bytes) -> None:
    iso.with_suffix(f".{name}").write_bytes(content)
    reseal(iso, key)
    what = {"spdx.json": "SBOM", "provenance.json": "provenance"}.get(name, name)
    assert states(looked(iso, key)) == {what: "wrong"}


def test_an_iso_alone(tmp_path: Path) -> None:
    (tmp_path / "tea.iso").write_bytes(CONTENT)
    found = looked(tmp_path / "tea.iso")
    assert set(states(found).values()) == {"missing"}
    assert found["SHA-256"].says == f"{sha256(CONTENT).hexdigest()} (there is no checksum beside it)"


@pytest.mark.parametrize(
    ("name", "line"),
    [("SHA256SUMS", "{} *tea.iso"), ("tea.iso.sha256", "{}  ./images/tea.iso"), ("SHA256SUMS", "{}  x")],
)
def test_sums_as_others_make_them(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / "tea.iso").write_bytes(CONTENT)
    (tmp_path / name).write_text(line.format(sha256(CONTENT).hexdigest().upper()) + "\n")
    assert looked(tmp_path / "tea.iso")["SHA-256"].state == "ok"


def test_debians_own_names_of_signatures(iso: Path, key: Key) -> None:
    iso.with_suffix(".SHA256SUMS").rename(iso.with_name("SHA256SUMS"))
    iso.with_suffix(".SHA256SUMS.asc").rename(iso.with_name("SHA256SUMS.sign"))
    assert states(looked(iso, key)) == {}


def test_sums_that_know_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "tea.iso").write_bytes(CONTENT)
    (tmp_path / "SHA256SUMS").write_text(f"{'5a' * 32}  other.iso\n")
    assert looked(tmp_path / "tea.iso")["SHA-256"].state == "missing"
    (tmp_path / "tea.SHA256SUMS").write_text(f"{'5a' * 32}  other.iso\n")
    assert looked(tmp_path / "tea.iso")["SHA-256"].state == "wrong"


def test_one_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="an ISO that can be read"):
        check(tmp_path / "no.iso", None)


def test_memory_is_flat(tmp_path: Path, needed: Callable[[str], str]) -> None:
    """A GiB is read in little memory."""
    import tracemalloc

    with (tmp_path / "tea.iso").open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    check(tmp_path / "tea.iso", None)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 << 20
