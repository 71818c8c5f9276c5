"""Files and folders: where they may be, and the lines that put them there."""

import pytest
from pydantic import ValidationError

from image.custom.samples import UPLOAD
from isobuild.image.custom.contents import File, table, texts

WRONG: list[tuple[dict[str, object], str]] = [
    ({"path": "etc/motd"}, "an absolute path"),
    ({"path": "/"}, "an absolute path"),
    ({"path": "/etc/"}, "an absolute path"),
    ({"path": "/etc//motd"}, "an absolute path"),
    ({"path": "/etc/./motd"}, "without '..'"),
    ({"path": "/srv/../../x"}, "without '..'"),
    ({"path": "/a\tb"}, "an absolute path"),
    ({"path": "/proc/1/x"}, "not below /dev /proc"),
    ({"path": "/isobuild/custom/apply"}, "not below"),
    ({"path": "/a", "mode": "u+s"}, "3 or 4 octal digits"),
    ({"path": "/a", "mode": "999"}, "3 or 4 octal digits"),
    ({"path": "/a", "owner": "a b"}, "the name of an account"),
    ({"path": "/a", "upload": "x"}, "an upload, "),
    ({"path": "/a", "content": "a\0b"}, "without NUL"),
    ({"path": "/a", "content": "x", "folder": True}, "one of 'content', 'upload', 'folder' and 'tree'"),
    ({"path": "/a", "upload": UPLOAD, "folder": True}, "one of 'content', 'upload', 'folder' and 'tree'"),
    ({"path": "/a", "upload": UPLOAD, "content": "x"}, "one of 'content', 'upload', 'folder' and 'tree'"),
    ({"path": "/a", "upload": UPLOAD, "tree": UPLOAD}, "one of 'content', 'upload', 'folder' and 'tree'"),
    ({"path": "/a", "tree": UPLOAD, "folder": True}, "one of 'content', 'upload', 'folder' and 'tree'"),
    ({"path": "/a", "tree": "/srv/a.tar"}, "an upload, "),
    ({"path": "/a", "tree": UPLOAD, "mode": "0755"}, "no 'mode' for a 'tree'"),
]


@pytest.mark.parametrize(("given", "allowed"), WRONG)
def test_a_wrong_file_says_what_may_be(given: dict[str, object], allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        File.model_validate(given)
    assert allowed in caught.value.errors()[0]["msg"]


def test_folders_come_first_then_trees_and_those_above_before_those_below() -> None:
    files = [
        File(path="/srv/b/page", content="tea\n", mode="600", owner="ana", group="users"),
        File(path="/srv/b/deep", folder=True),
        File(path="/srv/b", folder=True, mode="0700"),
        File(path="/srv/a b", upload=UPLOAD, content=""),
        File(path="/srv/empty"),
        File(path="/srv/site", tree=UPLOAD, owner="ana"),
    ]
    assert table(files).splitlines() == [
        "-\t0700\troot\troot\t/srv/b",
        "-\t0755\troot\troot\t/srv/b/deep",
        f"uploads/{UPLOAD[7:]}\t-\tana\troot\t/srv/site",
        f"uploads/{UPLOAD[7:]}\t0644\troot\troot\t/srv/a b",
        "custom/content/0\t600\tana\tusers\t/srv/b/page",
        "custom/content/4\t0644\troot\troot\t/srv/empty",
    ]
    assert dict(texts(files)) == {"content/0": "tea\n", "content/4": ""}
