"""Which packages do not go together, found by halves."""

from isobuild.errors import Unresolved
from isobuild.image.clashes import Clashes

SHOWN = {
    "a": "Package: a\nVersion: 1\n\nPackage: a-lib\nVersion: 1\nConflicts: noise (>= 2), b-lib (<< 2~)\n",
    "b": "Package: b\nVersion: 1\nProvides: noise\n\nPackage: b-lib\nVersion: 1.9\n",
}


class Apt:
    """An apt that finds no way for some pairs; counts what it is asked."""

    def __init__(self, *pairs: set[str]) -> None:
        self.pairs = pairs
        self.asked = 0

    def __call__(self, program: str, *arguments: str) -> str:
        self.asked += 1
        if program == "apt-cache":
            return SHOWN[arguments[-1]]
        names = arguments[arguments.index("install") + 1 :]
        if any(pair <= {*names} for pair in self.pairs):
            raise Unresolved(what="no", said="")
        return "".join(f"'http://example.org/{name}' {name}_1_all.deb 1 SHA256:00\n" for name in names)


def test_the_other_is_found_in_few_questions() -> None:
    others = [f"p{number}" for number in range(500)]
    apt = Apt({"a", "p321"}, {"a", "p400"})
    assert Clashes(apt).other("a", others) == "p321"
    assert apt.asked < 15


def test_there_is_no_other_where_it_is_not_to_blame() -> None:
    assert Clashes(Apt({"a"})).other("a", ["b"]) is None
    assert Clashes(Apt()).other("a", ["b"]) is None


def test_the_two_that_conflict_are_named() -> None:
    assert Clashes(Apt()).between("b", "a") == ("a-lib", "b-lib")


def test_dpkg_says_which_version_fits() -> None:
    assert Clashes.fits("2:1.0-1", ">= 1.9")
    assert Clashes.fits("1.0~rc1", "<< 1.0")
    assert not Clashes.fits("1.10", "< 1.9")
    assert not Clashes.fits("1", "?? 1")
