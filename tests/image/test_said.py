"""What archives said last: its states, for builds that still have an earlier one, and its date."""

from pathlib import Path

import pytest

from isobuild.image.said import STATES, Said

DATE = "Date: Sat, 11 Jul 2026 10:16:37 UTC"


def say(folder: Path, text: str, name: str = "main_InRelease") -> Said:
    """As apt does: another file in the place of the one before."""
    (folder / "lists").mkdir(exist_ok=True)
    new = folder / "lists" / "partial"
    new.write_text(text)
    new.replace(folder / "lists" / name)
    return Said(folder)


def test_who_has_a_state_keeps_it_though_more_is_said(tmp_path: Path) -> None:
    said = say(tmp_path, "Date: one")
    said.keep()
    before = said.kept()
    say(tmp_path, "Date: two").keep()
    assert [path.read_text() for path in before] == ["Date: one"]
    assert [path.read_text() for path in said.kept()] == ["Date: two"]


def test_only_the_last_states_are_kept(tmp_path: Path) -> None:
    for number in range(STATES + 2):
        say(tmp_path, f"Date: {number}").keep()
    assert len(list((tmp_path / "said").iterdir())) == STATES


def test_what_was_not_kept_is_not_offered(tmp_path: Path) -> None:
    assert say(tmp_path, "Date: one").kept() == []


@pytest.mark.parametrize(
    ("releases", "epoch"),
    [
        ((), 0), (("Origin: tea\n",), 0), ((f"{DATE}\nOrigin: Debian\n",), 1783764997),
        (("Date: Sat, 11 Jul 2015 10:16:37 UTC\nOrigin: tea\n", f"Origin: Debian\n{DATE}\n"), 1783764997),
        ((f"{DATE}\n", "Date: Sun, 12 Jul 2026 10:16:37 UTC\n"), 1783764997),
    ],
)  # fmt: skip
def test_the_date_is_that_of_debian_s_oldest_release(tmp_path: Path, releases: tuple[str, ...], epoch: int) -> None:
    for number, text in enumerate(releases):
        say(tmp_path, text, f"{number}_InRelease")
    assert Said(tmp_path).epoch() == epoch
