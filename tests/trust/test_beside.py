"""Names of the files beside an ISO."""

from isobuild.domain.tables import Artifact
from isobuild.trust.beside import LONGEST, SUFFIXES, name_of


def test_the_longest_names_fit_into_their_columns() -> None:
    iso = f"{'x' * 64}.iso"
    columns = Artifact.__table__.columns
    for kind in SUFFIXES:
        assert len(kind) <= columns["kind"].type.length  # type: ignore[attr-defined]
        assert len(SUFFIXES[kind]) <= LONGEST
        assert len(name_of(kind, iso)) <= columns["name"].type.length  # type: ignore[attr-defined]


def test_no_two_files_have_one_name() -> None:
    assert len({name_of(kind, "a.b.iso") for kind in SUFFIXES}) == len(SUFFIXES)
    assert name_of("sums", "a.iso.iso") == "a.iso.SHA256SUMS"
