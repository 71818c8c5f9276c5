"""How large ISOs will be, by those that were built."""

import pytest
from orders import NOW, order_task, start_build, task_row

from isobuild.db import Database
from isobuild.domain import builds, sizes
from isobuild.domain.builds import End
from isobuild.domain.sizes import GUESS, Interval, Made
from isobuild.domain.states import BuildState
from isobuild.store.local import Stored

MIB = 1 << 20


def past(*isos: float, packages: int = 100, **options: object) -> list[Made]:
    return [Made(options, packages * MIB, round(iso * MIB)) for iso in isos]


def estimate(made: list[Made], packages: int = 100, **options: object) -> Interval:
    found = sizes.estimate(made, options, packages * MIB, ["compression"])
    assert found is not None
    return found


def test_without_a_build_it_is_a_wide_guess() -> None:
    found = estimate([])
    assert (found.low, found.likely, found.high) == pytest.approx([each * 100 * MIB for each in GUESS])
    assert found.builds == 0


def test_an_iso_that_is_changed_does_not_shrink() -> None:
    found = sizes.estimate([], {}, 10 * MIB, [], base=400 * MIB)
    assert found
    assert [found.low, found.likely, found.high] == pytest.approx([(400 + each * 10) * MIB for each in GUESS])
    told = sizes.estimate(past(440, packages=400), {}, 10 * MIB, [], base=400 * MIB)
    assert told
    assert told.likely == pytest.approx(451 * MIB)


def test_one_build_tells_about_and_many_tell_closely() -> None:
    one, many = estimate(past(150)), estimate(past(*[149, 150, 151] * 6))
    assert one.likely == pytest.approx(150 * MIB)
    assert many.likely == pytest.approx(150 * MIB, rel=0.01)
    assert one.low < many.low < many.likely < many.high < one.high
    assert (one.builds, many.builds) == (1, 18)


def test_it_grows_with_the_packages() -> None:
    assert estimate(past(150), packages=200).likely == pytest.approx(300 * MIB)


def test_those_that_chose_alike_count_first() -> None:
    made = past(*[100] * 20, compression="small") + past(*[200] * 20, compression="fast")
    assert estimate(made, compression="small").likely == pytest.approx(100 * MIB)
    assert estimate(made, compression="fast").likely == pytest.approx(200 * MIB)


def test_those_of_about_as_many_packages_count_first() -> None:
    made = past(*[100] * 20, packages=100) + past(*[1600] * 20, packages=800)
    assert estimate(made, packages=700).likely == pytest.approx(1400 * MIB)


def test_one_outlier_does_not_move_it() -> None:
    assert estimate(past(*[150] * 19, 15_000)).likely == pytest.approx(150 * MIB)


def test_without_packages_isos_are_told_by_isos() -> None:
    found = sizes.estimate(past(50, 50, packages=0), {}, 0, [])
    assert found is not None
    assert found.likely == pytest.approx(50 * MIB)
    assert sizes.estimate([], {}, 0, []) is None


def test_what_was_built_is_read_from_the_rows(database: Database) -> None:
    for name, size in (("one", 10), ("two", 20)):
        order_task(database, name, options={"compression": name})
        launch = start_build(database)
        files = {"iso": Stored(task_row(database, launch.task).iso, size * MIB, "5a" * 32)}
        end = End(
            state=BuildState.SUCCEEDED, files=files, stages={"size": 5 * MIB, "packages": {}} if size > 10 else None
        )
        database.write(builds.finish, launch.build, launch.token, end, NOW)
    with database.read() as session:
        assert sizes.made(session, "tiny") == [
            Made({"compression": "two"}, 5 * MIB, 20 * MIB),
            Made({"compression": "one"}, 0, 10 * MIB),
        ]
        assert sizes.made(session, "debian-live") == []
