"""Whatever two (or three) do at the same time comes to something that is right, in every order of their statements."""

import inspect
from collections.abc import Callable

import pytest

from isobuild.db import Database
from proof.scene import Scene
from proof.scenes import builds as of_builds
from proof.scenes import keeping, loops, ordering, people, waiting
from proof.stage import Stage

Prepare = Callable[[Database], Scene]
SCENES = [
    scene
    for module in (of_builds, loops, people, ordering, waiting, keeping)
    for name, scene in inspect.getmembers(module, inspect.isfunction)
    if scene.__annotations__.get("return") is Scene and not name.startswith("_")
]


@pytest.mark.parametrize("prepare", SCENES, ids=lambda scene: scene.__name__)
def test_no_order_of_the_statements_does_harm(
    stage: Stage, prepare: Prepare, count: Callable[[str, int], None]
) -> None:
    schedules = 0
    for schedules, played in enumerate(stage.play(prepare), 1):  # noqa: B007 (counted, and used after)
        assert not played.wrong, f"\n{played}"
    assert schedules > 1
    count(stage.database.engine.dialect.name, schedules)
