"""Progress: what lines tell, and the true percentage of the whole."""

import pytest

from isobuild.image.step import Mark, Plan, Step

XORRISO = Mark(r"UPDATE :\s+(\d+\.\d+)% done")
PHASE = Mark(r"^I: extracting", 0.25)


def test_a_mark_with_a_fraction_tells_it() -> None:
    assert PHASE.fraction("I: extracting archives...") == 0.25
    assert PHASE.fraction("and I: extracting") is None


def test_a_mark_without_one_tells_the_percentage_in_its_group() -> None:
    assert XORRISO.fraction("xorriso : UPDATE :  32.80% done") == pytest.approx(0.328)
    assert XORRISO.fraction("xorriso : UPDATE : 250.00% done") == 1.0


def test_of_several_marks_the_first_that_matches_counts() -> None:
    step = Step("burn", ("xorriso",), marks=(PHASE, XORRISO, Mark("UPDATE", 0.9)))
    assert step.fraction("UPDATE : 10.00% done") == pytest.approx(0.1)
    assert step.fraction("nothing") is None


def test_the_percentage_goes_by_weights() -> None:
    plan = Plan({}, (Step("a", ("true",), weight=3), Step("b", ("true",), weight=1)))
    told = [plan.percent(0, 0), plan.percent(0, 0.5), plan.percent(1, 0), plan.percent(1, 0.5), plan.percent(1, 1)]
    assert told == [0, 37.5, 75, 87.5, 100]


def test_what_comes_later_counts_too() -> None:
    plan = Plan({}, (Step("look", ("true",), weight=1),), more=3)
    assert [plan.percent(0, 0), plan.percent(0, 1)] == [0, 25]


@pytest.mark.parametrize(("fraction", "percent"), [(-1, 0), (7, 100)])
def test_a_percentage_stays_within_its_bounds(fraction: float, percent: float) -> None:
    assert Plan({}, (Step("a", ("true",)),)).percent(0, fraction) == percent
