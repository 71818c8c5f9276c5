"""Who needs whom, as apt-cache prints it."""

from isobuild.image.graph import Graph, deb822

SAID = """\
cup
  Depends: water
 |Depends: saucer
  Depends: <plate:any>
    plate-blue
<plate>
water
  PreDepends: spring
  Conflicts: wine
saucer:i386
  Depends: clay
"""


def test_the_shortest_way_is_found() -> None:
    graph = Graph.of(SAID)
    assert graph.path(["cup"], "spring") == ["cup", "water", "spring"]
    assert graph.path(["cup"], "clay") == ["cup", "saucer", "clay"]
    assert graph.path(["cup"], "plate-blue") == ["cup", "plate-blue"]
    assert graph.path(["cup", "water"], "spring") == ["water", "spring"]
    assert graph.path(["cup"], "cup") == ["cup"]


def test_a_conflict_is_no_need() -> None:
    assert Graph.of(SAID).path(["cup"], "wine") == []


def test_control_files_are_read() -> None:
    assert deb822("Package: a\nDescription: one\n two\n\nPackage: b\n\n") == [
        {"Package": "a", "Description": "one two"},
        {"Package": "b"},
    ]
