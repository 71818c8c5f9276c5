"""A script that somebody brings along: it is ordered only if the shell of its first line can read it."""

import re
from functools import lru_cache
from typing import Annotated

import sh
from pydantic import AfterValidator

from isobuild.image.custom.kinds import Text
from isobuild.image.fields import MULTILINE

LONGEST = 1 << 16  # characters
LIMIT = 5  # seconds
FIRST_LINE = re.compile(r"#! ?(?:/usr)?(?:/bin/env )?(?:/bin/)?(sh|dash|bash)((?: -[a-z]+)*)\n")
COMPLAINT = re.compile(r"^[^\n]*?:? ?(?:line )?(\d+): (.*)", re.MULTILINE)


def check_script(text: str) -> str:
    """The script as it is. Raises ValueError if its first line names no shell, or the shell can't read it."""
    whole = text if text.endswith("\n") else f"{text}\n"
    first = FIRST_LINE.match(whole)
    if not first:
        raise ValueError("a script for sh or bash; its first line says so: #!/bin/sh or #!/bin/bash")
    if wrong := complaint("bash" if first[1] == "bash" else "sh", whole):
        raise ValueError(f"a script that {first[1]} can read; {wrong}")
    return whole


@lru_cache(maxsize=16)
def complaint(shell: str, text: str) -> str:
    """What the shell says of the script's syntax, "line 3: ..."; "" if it has nothing to say. Nothing is run."""
    try:
        sh.Command(shell)("-n", _in=text, _timeout=LIMIT, _env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    except sh.TimeoutException:
        return f"{shell} does not come to its end within {LIMIT} s"
    except sh.ErrorReturnCode as error:
        said = error.stderr.decode(errors="replace").strip()
        found = COMPLAINT.search(said)
        return f"line {found[1]}: {found[2]}" if found else said
    return ""


Script = Annotated[Text, AfterValidator(check_script), MULTILINE]
