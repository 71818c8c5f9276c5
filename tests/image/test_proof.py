"""What a console says, without what only colours it."""

import re
from dataclasses import dataclass

import pytest

from isobuild.image.proof import Console


@dataclass
class Machine:
    """A machine that can only be turned off."""

    on: bool = True

    def kill(self) -> None:
        self.on = False


RAW = "\x1b[2J\x1b[=3h\x1b[!p\x1b]104\x1b\\\x1b]0;title\x07\x1bP+q6E\x1b\\\x1b(BDebian\r\n\x1b[1mtea login:\x1b[0m "


def test_escape_codes_are_no_words() -> None:
    console = Console(re.compile("x"))
    console.hear(RAW, None, Machine())
    assert console.text == "Debian\ntea login: "


@pytest.mark.parametrize("cut", range(1, len(RAW), 7))
def test_the_machine_is_off_when_the_words_are_there_however_they_come(cut: int) -> None:
    console, machine = Console(re.compile("^tea login:", re.MULTILINE)), Machine()
    console.hear(RAW[:cut], None, machine)
    console.hear(RAW[cut:], None, machine)
    assert console.found
    assert not machine.on


def test_other_words_leave_it_on() -> None:
    console, machine = Console(re.compile("^tea login:")), Machine()
    assert not console.hear("coffee login:", None, machine)
    assert machine.on
