"""A place for plans that are looked at, not run."""

from pathlib import PurePath

from isobuild.image.step import Place

APT = """\
Types: deb
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
PLACE = Place(
    inputs=PurePath("/b/in"),
    work=PurePath("/b/work"),
    out=PurePath("/b/out"),
    iso="tea.iso",
    apt=APT,
    epoch=1700000000,
)
