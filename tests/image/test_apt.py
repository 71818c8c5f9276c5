"""The host's sources: only Debian's own are read, and any release's can be made of them."""

from pathlib import Path

import pytest

from isobuild.errors import HostFault
from isobuild.image import apt

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HOST = f"""\
Types: deb
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}
"""


def host(folder: Path, files: dict[str, str]) -> str:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return apt.read_host(folder)


def test_a_host_without_sources_has_none(tmp_path: Path) -> None:
    assert apt.read_host(tmp_path) == ""


def test_deb822_sources_are_read(tmp_path: Path) -> None:
    assert host(tmp_path, {"sources.list.d/debian.sources": f"# comment\n{HOST}"}) == HOST


def test_one_line_sources_are_read_as_deb822(tmp_path: Path) -> None:
    line = f"deb [arch=amd64 signed-by={KEYRING}] https://mirror.example.org/debian trixie main contrib # ours\n"
    assert host(tmp_path, {"sources.list": f"# old\n{line}deb-src{line[3:]}"}) == (
        "Types: deb\nURIs: https://mirror.example.org/debian\nSuites: trixie\nComponents: main contrib\n"
        f"Signed-By: {KEYRING}\n"
    )


def test_an_entry_without_a_key_is_debians_if_all_it_offers_is(tmp_path: Path) -> None:
    ours = "deb http://mirror.example.org/debian stable main\n"
    assert "Suites: stable" in host(tmp_path, {"sources.list": ours})


VENDORS = {
    "its key": "deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example.org/apt bookworm main",
    "its suite": "deb http://vendor.example.org/apt bookworm-vendor main",
    "its components": "deb http://vendor.example.org/apt bookworm nightly",
    "a key alike": "deb [signed-by=/etc/debian-archive-keyring.gpg.d/v.gpg] http://vendor.example.org/ bookworm main",
    "a disc": "deb cdrom:[Debian]/ bookworm main",
}


@pytest.mark.parametrize("line", VENDORS.values(), ids=VENDORS)
def test_no_vendors_entry_slips_in(tmp_path: Path, line: str) -> None:
    assert host(tmp_path, {"sources.list": line}) == ""


@pytest.mark.parametrize("change", ["Types: deb-src", "Types: deb\nEnabled: no", "Types: deb\nSigned-By: /vendor.gpg"])
def test_no_stanza_slips_in_that_is_off_or_not_debians(tmp_path: Path, change: str) -> None:
    text = HOST.replace("Types: deb", change).replace(f"Signed-By: {KEYRING}\n", "")
    assert host(tmp_path, {"sources.list.d/debian.sources": text}) == ""


def test_a_key_within_the_stanza_is_no_key_of_debians(tmp_path: Path) -> None:
    text = HOST.replace(f" {KEYRING}", "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP-----")
    assert host(tmp_path, {"sources.list.d/debian.sources": text}) == ""


def test_files_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    assert (
        host(tmp_path, {"sources.list.d/debian.sources.disabled": HOST, "sources.list.d/.debian.sources": HOST}) == ""
    )


def test_the_release_is_the_first_plain_suite() -> None:
    assert apt.release_of(HOST) == "bookworm"


def test_the_hosts_own_release_gives_the_hosts_own_sources() -> None:
    assert apt.sources_for(HOST, "bookworm") == HOST


def test_another_release_stands_in_the_place_of_the_hosts() -> None:
    assert apt.sources_for(HOST, "trixie") == HOST.replace("bookworm", "trixie")


@pytest.mark.parametrize("suite", ["sid", "unstable"])
def test_a_rolling_release_has_one_suite(suite: str) -> None:
    assert apt.sources_for(HOST, suite) == HOST.partition("\n\n")[0].replace("bookworm bookworm-updates", suite) + "\n"


def test_a_mirror_replaces_the_main_address_only() -> None:
    sources = apt.sources_for(HOST, "bookworm", "https://other.example.org/debian")
    assert "URIs: https://other.example.org/debian\nSuites: bookworm bookworm-updates" in sources
    assert "URIs: http://mirror.example.org/debian-security\nSuites: bookworm-security" in sources


def test_a_mirror_is_enough_on_a_host_that_is_not_debian() -> None:
    assert apt.sources_for("", "trixie", "https://other.example.org/debian") == (
        "Types: deb\nURIs: https://other.example.org/debian\nSuites: trixie trixie-updates\nComponents: main\n"
    )


def test_the_archives_are_each_address_with_each_suite() -> None:
    main, security = "http://mirror.example.org/debian", "http://mirror.example.org/debian-security"
    assert apt.archives(HOST) == [(main, "bookworm"), (main, "bookworm-updates"), (security, "bookworm-security")]


def test_without_sources_or_mirror_the_host_is_at_fault() -> None:
    with pytest.raises(HostFault, match=r"no apt sources of Debian's.*'mirror'"):
        apt.sources_for("", "trixie")
    with pytest.raises(HostFault, match="no apt sources of Debian's"):
        apt.release_of("")
