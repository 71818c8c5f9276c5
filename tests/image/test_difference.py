"""What changed from one ISO to another."""

from isobuild.image import contents, difference
from isobuild.image.contents import Entry
from isobuild.image.difference import Change, File

from .media import STATUS, Pack, pack

__all__ = ["pack"]


def test_packages_files_and_sizes(pack: Pack) -> None:
    old = {"etc/hostname": "tea\n", "etc/old": "x", "var/lib/dpkg/status": STATUS}
    new = {"etc/hostname": "green tea\n", "etc/new": "x", "var/lib/dpkg/status": STATUS.replace("5.2-1", "5.2-2")}
    a = pack("a.iso", {"menu": "one", "same": "same", "old": "x"}, {"live/x.squashfs": (old, ())})
    b = pack("b.iso", {"menu": "two", "same": "same", "new": "x"}, {"live/x.squashfs": (new, ())})
    found = difference.between(contents.read(a), contents.read(b))
    assert found.packages == Change({}, {}, {"bash": ("5.2-1", "5.2-2")})
    assert (list(found.medium.added), list(found.medium.removed)) == (["/new"], ["/old"])
    assert set(found.medium.changed) == {"/menu", "/live/x.squashfs"}
    before, after = found.medium.changed["/menu"]
    assert (before.size, after.size, before.sha256 != after.sha256) == (3, 3, True)
    assert (list(found.system.added), list(found.system.removed)) == (["/etc/new"], ["/etc/old"])
    assert found.system.changed == {
        "/etc/hostname": (Entry("-rw-r--r--", "0:0", 4), Entry("-rw-r--r--", "0:0", 10)),
    }  # fmt: skip


def test_the_same_iso_twice(pack: Pack) -> None:
    iso = contents.read(pack("a.iso", {"menu": "one"}, {"live/x.squashfs": ({"a": "b"}, ())}))
    found = difference.between(iso, iso)
    assert not (found.packages or found.medium or found.system)


def test_names_are_in_order() -> None:
    change = difference.compare({"b": 1, "c": 1, "x": 1}, {"a": 1, "c": 2, "x": 1, "d": 1})
    assert (list(change.added), list(change.removed), change.changed) == (["a", "d"], ["b"], {"c": (1, 2)})
    assert not difference.compare({"a": File(1)}, {"a": File(1)})
