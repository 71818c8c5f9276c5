"""A first-boot script is read by its own shell before it is ordered; a mistake is told with its line."""

import pytest

from isobuild.image.custom.scripts import check_script

BROKEN = [
    ("#!/bin/sh\nif true\nthen echo\n", "a script that sh can read; line 4: Syntax error: end of file unexpected"),
    ("#!/bin/sh\na=(1 2)\n", 'line 2: Syntax error: "(" unexpected'),
    ("#!/bin/bash\nfor x in a; do\n  echo $x\ndone)\n", "a script that bash can read; line 4: syntax error near"),
    ("#!/usr/bin/env bash\necho 'tea\n", "line 2: unexpected EOF while looking for matching"),
    ("echo tea\n", "its first line says so"),
    ("#!/usr/bin/python3\nprint()\n", "a script for sh or bash"),
    ("", "its first line says so"),
]


@pytest.mark.parametrize(("script", "words"), BROKEN)
def test_a_mistake_is_told_with_its_line(script: str, words: str) -> None:
    with pytest.raises(ValueError, match="script") as caught:
        check_script(script)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "first", ["#!/bin/sh", "#! /bin/sh -e", "#!/bin/bash", "#!/usr/bin/bash -eu", "#!/usr/bin/env bash", "#!/bin/dash"]
)
def test_nothing_is_run(first: str, tmp_path: object) -> None:
    script = f"{first}\ntouch {tmp_path}/ran\n: $(touch {tmp_path}/ran)"
    assert check_script(script) == f"{script}\n"
    from pathlib import Path

    assert list(Path(f"{tmp_path}").iterdir()) == []


def test_what_bash_alone_can_read_is_read_by_bash() -> None:
    assert check_script("#!/bin/bash\na=(1 2)\n")
