"""Archives that answer with what can't be used: by whose fault, and which part of what was said of them."""

import pytest

from isobuild.image.refusals import refusal

KEYED = "Types: deb\nURIs: https://tea.example.org/debian/\nSuites: tea\nComponents: main\nSigned-By:\n BEGIN PGP\n"
TRUSTED = KEYED.replace("\n BEGIN PGP", " /usr/share/keyrings/debian-archive-keyring.gpg")
AT = "https://tea.example.org/debian"
SAID = {
    f"W: GPG error: {AT} tea InRelease: The following signatures couldn't be verified because the public key is not "
    "available: NO_PUBKEY 6ED0E7B82643E131": ("key", "tea is signed by another key than the one given."),
    f"W: GPG error: {AT} tea InRelease: The following signatures were invalid: EXPKEYSIG 6ED0 Tea": (
        "key", "the key that signs tea is out of date: ask them for a new one."),
    f"W: GPG error: {AT} tea Release: The following signatures were invalid: BADSIG 6ED0 Tea": (
        "key", "the signature of tea is not right."),
    f"E: The repository '{AT} tea Release' is not signed.": (
        "key", "it has no suite tea that is signed by the key given."),
    f"E: The repository '{AT} tea Release' does not have a Release file.": ("suite", "there is no suite tea."),
    f"E: Failed to fetch {AT}/dists/tea/InRelease  401  Unauthorized [IP: 192.0.2.1 443]": (
        "password", "it wants another name and password."),
    f"E: Failed to fetch {AT}/dists/tea/main/binary-amd64/Packages  404  Not Found [IP: 192.0.2.1 443]": (
        "suite", "there is no suite tea, or not all of it."),
    f"E: Failed to fetch {AT}/InRelease  404  Not Found": ("suite", "there is no suite ./, or not all of it."),
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_each_complaint_has_its_words(said: str) -> None:
    found = refusal(f"Reading package lists...\n\n{said}\n", KEYED)
    assert found is not None
    assert (found.facts["part"], found.facts["why"]) == SAID[said]
    assert str(found) == f"{AT} can't be used: {SAID[said][1]}"
    assert found.facts["given"]


def test_who_gave_no_key_is_not_to_blame() -> None:
    found = refusal(f"E: The repository '{AT} tea Release' is not signed.\n", TRUSTED)
    assert found is not None
    assert not found.facts["given"]


@pytest.mark.parametrize(
    "said",
    [
        f"E: Failed to fetch {AT}/dists/tea/InRelease  Could not connect to tea.example.org:443 (192.0.2.1).",
        f"E: Failed to fetch {AT}/dists/tea/InRelease  Could not resolve 'tea.example.org'",
        f"E: Failed to fetch {AT}/dists/tea/InRelease  503  Service Unavailable",
        "",
    ],
)
def test_one_that_is_away_is_not_refused(said: str) -> None:
    assert refusal(said, KEYED) is None
