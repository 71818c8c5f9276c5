"""The site's public key, for everybody; and names that a shared ISO's builder gave."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from isobuild.trust import keys
from web.counter import Counter


@pytest.fixture
def key(counter: Counter, needed: Callable[[str], str]) -> keys.Key:
    needed("gpg")
    return keys.make(counter.settings.signing, "Tea")


def test_the_public_key(client: TestClient, key: keys.Key) -> None:
    answer = client.get("/key.asc")
    assert (answer.status_code, answer.text) == (200, key.public)
    assert answer.headers["Content-Type"].startswith("application/pgp-keys")
    assert client.head("/key.asc").status_code == 200


def test_a_site_without_a_key(client: TestClient) -> None:
    answer = client.get("/key.asc")
    assert answer.status_code == 404
    assert "There is no key of this site." in answer.text


def test_a_broken_key_breaks_no_page(counter: Counter) -> None:
    number, _ = counter.make("tea", b"an ISO")
    counter.settings.signing.mkdir()
    assert counter.client.get(f"/tasks/{number}").status_code == 200
    assert counter.client.get("/key.asc").status_code == 500


def test_the_page_says_how_to_check(counter: Counter, key: keys.Key) -> None:
    number, _ = counter.make("tea", b"an ISO", {"signature": b"signed", "sums": b"sums"})
    page = counter.client.get(f"/tasks/{number}").text
    assert key.fingerprint in page
    assert "gpg --verify tea.SHA256SUMS.asc tea.SHA256SUMS" in page
    plain, _ = counter.make("plain", b"an ISO")
    assert key.fingerprint not in counter.client.get(f"/tasks/{plain}").text


@pytest.mark.parametrize(
    ("kind", "media"),
    [
        ("sbom", "application/spdx+json"),
        ("provenance", "application/vnd.in-toto+json"),
        ("zsync", "application/x-zsync"),
        ("torrent", "application/x-bittorrent"),
        ("signature", "application/pgp-signature"),
        ("sums", "text/plain"),
    ],
)
def test_each_file_says_what_it_is(counter: Counter, kind: str, media: str) -> None:
    number, _ = counter.make("tea", b"an ISO", {kind: b"content"})
    (file,) = [file for file in counter.task(number)["files"] if file["kind"] == kind]
    answer = counter.client.get(file["download"])
    assert (answer.content, answer.headers["Content-Type"].partition(";")[0]) == (b"content", media)


def test_a_shared_iso_is_found_by_its_builders_name_too(counter: Counter) -> None:
    """zsync files name the ISO that they lie beside by the name that its builder gave."""
    counter.fingerprint = "5a" * 32
    one = counter.order("one", fingerprint=counter.fingerprint)
    counter.succeed(counter.start(), b"an ISO")
    two = counter.order("two", fingerprint=counter.fingerprint)
    for name in ("two.iso", "one.iso"):
        assert counter.client.get(f"/download/{two}/{name}").content == b"an ISO"
    assert counter.client.get(f"/download/{one}/two.iso").status_code == 404
