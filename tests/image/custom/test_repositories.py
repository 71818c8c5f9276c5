"""Archives beside Debian's: a key that is broken is told from one that is whole, and no password leaks."""

import pytest
from pydantic import ValidationError

from image.custom.samples import PGP_KEY, REPOSITORY
from isobuild.image.custom.repositories import Repository, logins, preferences, sources, stanza

WRONG: list[tuple[str, object, str]] = [
    ("uri", "https://me:tea@example.org/", "without a password"),
    ("uri", "https://example.org/\nTrusted: yes", "the http or https address"),
    ("suite", "a b", "the name of a suite"),
    ("suite", "", "the name of a suite"),
    ("components", "main;x", "the name of a component"),
    ("key", "tea", "a public key as 'gpg --armor --export' writes it"),
    ("key", PGP_KEY.replace("mDME", "mDMF"), "this one is damaged"),
    ("key", PGP_KEY.replace("fQgcbEi0", "fQgc"), "this one is damaged"),
    ("key", PGP_KEY.replace("=vD+u\n", "").replace("mDME", "iDME"), "this one is damaged"),
    ("key", PGP_KEY[: len(PGP_KEY) // 2], "a public key as 'gpg --armor --export' writes it"),
    ("key", PGP_KEY.replace("PUBLIC", "PRIVATE"), "this is a private one"),
    ("username", "a b", "without spaces"),
    ("password", "tea\nmachine x", "without spaces"),
    ("priority", 0, "greater than or equal to 1"),
]


@pytest.mark.parametrize(("field", "given", "allowed"), WRONG)
def test_a_wrong_archive_says_what_may_be(field: str, given: object, allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Repository.model_validate(REPOSITORY | {field: given})
    (error,) = caught.value.errors()
    assert error["loc"][0] == field
    assert allowed in error["msg"]


@pytest.mark.parametrize(
    "given",
    [
        PGP_KEY,
        f"pub ed25519 2026\n{PGP_KEY}",
        PGP_KEY.replace("\n", "\r\n"),
        PGP_KEY.replace("=vD+u\n", ""),
        PGP_KEY.replace("BLOCK-----\n\n", "BLOCK-----\nComment: tea\n\n"),
        "".join(f"  {line}\n" for line in PGP_KEY.splitlines()),
    ],
)
def test_a_key_may_come_with_words_around_it(given: str) -> None:
    key = Repository.model_validate(REPOSITORY | {"key": given}).key
    assert key.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    assert key.endswith("-----END PGP PUBLIC KEY BLOCK-----\n")


def test_sources_have_their_key_in_them() -> None:
    text = sources([Repository.model_validate(REPOSITORY | {"components": "main extra", "username": "me"})])
    lines = text.splitlines()
    assert lines[:4] == [
        "Types: deb",
        "URIs: https://packages.example.org/debian",
        "Suites: stable",
        "Components: main extra",
    ]
    assert lines[4:7] == ["Signed-By: ", " -----BEGIN PGP PUBLIC KEY BLOCK-----", " ."]
    assert lines[-1] == " -----END PGP PUBLIC KEY BLOCK-----"


def test_an_archive_without_suites_has_no_components() -> None:
    text = stanza(Repository.model_validate(REPOSITORY | {"suite": "./"}), "/etc/apt/keyrings/x.asc")
    assert "Components" not in text
    assert text.endswith("Suites: ./\nSigned-By: /etc/apt/keyrings/x.asc\n")


def test_a_password_is_for_the_build_alone() -> None:
    asking = Repository.model_validate(REPOSITORY | {"username": "me", "password": "t3a"})
    assert logins([asking]) == "machine https://packages.example.org/debian login me password t3a\n"
    kept = stanza(asking, "/etc/apt/keyrings/x.asc")
    assert "Enabled: no\n" in kept
    assert "t3a" not in kept
    assert "t3a" not in sources([asking])


def test_what_goes_first_and_what_never_comes() -> None:
    rare = Repository.model_validate(REPOSITORY | {"priority": 100})
    usual = Repository.model_validate(REPOSITORY | {"uri": "https://other.example.org/"})
    assert preferences([rare, usual], ["nano", "vim-tiny"]) == (
        'Package: *\nPin: origin "packages.example.org"\nPin-Priority: 100\n'
        "\nPackage: nano vim-tiny\nPin: release *\nPin-Priority: -1\n"
    )
    assert preferences([usual], []) == ""
