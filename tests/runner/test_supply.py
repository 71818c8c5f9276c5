"""What a build is given of what others made, and what is taken of it for others."""

import io
from collections.abc import Callable
from dataclasses import replace
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pytest
from image.places import PLACE

from isobuild.errors import BadResult, DamagedPackage, HostFault
from isobuild.image.snapshot import Package, Snapshot
from isobuild.image.step import Place, Plan, Stage, Step
from isobuild.runner.log import Log
from isobuild.runner.supply import Supply
from isobuild.runner.workspace import Workspace
from isobuild.store.cache import Cache
from isobuild.store.log import read

BASE, CUSTOM = Stage("base", "b" * 64), Stage("custom", "c" * 64)
SECRET = replace(CUSTOM, key="", kept=False)
LEAVES = Step("system", ("true",), leaves="stages")
FETCH = Step("packages", ("true",), leaves="packages")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1 << 20)


@pytest.fixture
def build(tmp_path: Path, cache: Cache) -> Callable[[int], Supply]:
    def make(number: int) -> Supply:
        workspace = Workspace(tmp_path / str(number))
        workspace.inputs.mkdir(parents=True)
        workspace.out.mkdir()
        return Supply(cache, workspace, Log(tmp_path / f"{number}.log", 1 << 20), lambda: pytest.fail("it waits"))

    return make


def leave(supply: Supply, stage: str, milliseconds: str = "1500\n", **files: str) -> None:
    folder = supply.workspace.out / "stages" / stage
    folder.mkdir(parents=True)
    for name, text in {"milliseconds": milliseconds, **files}.items():
        (folder / name).write_text(text)


def asking(*stages: Stage, packages: tuple[Package, ...] = (), releases: bool = False) -> Callable[[Place], Plan]:
    def ask(place: Place) -> Plan:
        steps = [Step(stage.name, ("make", stage.name)) for stage in stages if stage.name not in place.made]
        steps += [Step("fetch", (each.file,)) for each in packages if each.sha256 not in place.have]
        return Plan({}, tuple(steps), stages=stages, packages=packages, releases=releases)

    return ask


def debian(name: str, content: bytes) -> Package:
    digest = sha256(content).hexdigest()
    return Package(name, "1", "all", f"{name}_1_all.deb", f"http://example.org/{name}", len(content), digest)


def test_what_one_build_made_another_need_not(build: Callable[[int], Supply]) -> None:
    with build(1) as first:
        plan = first.plan(asking(BASE, CUSTOM), PLACE)
        assert [step.name for step in plan.steps] == ["base", "custom"]
        leave(first, "base", kernel="linux", initrd="first")
        leave(first, "custom", manifest="nano 1")
        first.take(plan, LEAVES)
        assert (first.workspace.inputs / "stages" / "base" / "kernel").read_text() == "linux"
    with build(2) as second:
        plan = second.plan(asking(BASE, replace(CUSTOM, key="d" * 64)), PLACE)
        assert [step.name for step in plan.steps] == ["custom"]
        assert (second.workspace.inputs / "stages" / "base" / "initrd").read_text() == "first"
    assert first.told == {
        "reused": {}, "made": {"base": 1.5, "custom": 1.5}, "packages": {"cached": 0, "fetched": 0}, "saved": 0,
        "size": 6 << 20,
    }  # fmt: skip
    assert second.told and second.told["reused"] == {"base": 1.5}
    assert second.told["saved"] == 1.5
    assert [second.cache.uses(stage.key) for stage in (BASE, CUSTOM)] == [1, 0]


def test_a_step_that_failed_leaves_the_stages_that_were_whole(build: Callable[[int], Supply], cache: Cache) -> None:
    with build(1) as supply:
        plan = supply.plan(asking(BASE, CUSTOM), PLACE)
        leave(supply, "base", kernel="linux")
        leave(supply, ".custom", manifest="half")
        supply.take(plan, LEAVES)
    assert cache.find(BASE.key)
    assert cache.find(CUSTOM.key) is None


def test_what_another_build_prunes_at_once_is_not_missing(
    build: Callable[[int], Supply], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small cache, and a build that ends between the taking and the giving."""
    tea = debian("tea", b"tea")
    with build(1) as supply:
        plan = supply.plan(asking(BASE, packages=(tea,)), PLACE)
        leave(supply, "base", kernel="linux")
        (supply.workspace.out / "packages").mkdir()
        (supply.workspace.out / "packages" / tea.file).write_bytes(b"tea")
        monkeypatch.setattr(cache, "give", lambda *_: cache.prune(0) < 0)
        supply.take(plan, FETCH)
        supply.take(plan, LEAVES)
    assert (supply.workspace.inputs / "packages" / tea.file).read_bytes() == b"tea"
    assert (supply.workspace.inputs / "stages" / "base" / "kernel").read_text() == "linux"


def test_a_stage_with_a_secret_stays_the_builds_own(build: Callable[[int], Supply], cache: Cache) -> None:
    with build(1) as supply:
        plan = supply.plan(asking(SECRET), PLACE)
        leave(supply, "custom", shadow="sesame")
        supply.take(plan, LEAVES)
        kept = supply.workspace.inputs / "stages" / "custom" / "shadow"
        assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("sesame", 0o640)
    assert cache.held().files == 0
    assert cache.held().stages == {}


def test_a_full_disk_takes_back_what_the_cache_has(
    build: Callable[[int], Supply], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of its own would want root: the cache says once that it is full."""
    full, take = iter([OSError(ENOSPC, "No space left on device")]), cache.take

    def take_once_more(file: BinaryIO) -> str | None:
        for error in full:
            file.read(2)
            raise error
        return take(file)

    cache.take(io.BytesIO(b"an old package"))
    with build(1) as supply:
        plan = supply.plan(asking(BASE), PLACE)
        leave(supply, "base", kernel="linux")
        monkeypatch.setattr(cache, "take", take_once_more)
        supply.take(plan, LEAVES)
    assert (supply.workspace.inputs / "stages" / "base" / "kernel").read_text() == "linux"
    assert cache.held().files == 1


def test_a_cache_of_no_size_keeps_nothing_and_all_goes_on(build: Callable[[int], Supply], cache: Cache) -> None:
    cache.size = 0
    with build(1) as supply:
        plan = supply.plan(asking(BASE), PLACE)
        leave(supply, "base", kernel="linux")
        supply.take(plan, LEAVES)
    assert cache.held().files == 0
    assert (supply.workspace.inputs / "stages" / "base" / "kernel").read_text() == "linux"


def test_packages_are_given_or_fetched_and_then_given(build: Callable[[int], Supply], cache: Cache) -> None:
    tea, cup = debian("tea", b"tea"), debian("cup", b"cup")
    cache.take(io.BytesIO(b"tea"))
    with build(1) as supply:
        plan = supply.plan(asking(packages=(tea, cup)), PLACE)
        assert [step.argv for step in plan.steps] == [("cup_1_all.deb",)]
        (supply.workspace.out / "packages").mkdir()
        (supply.workspace.out / "packages" / "cup_1_all.deb").write_bytes(b"cup")
        (supply.workspace.out / "packages" / "other_1_all.deb").write_bytes(b"nobody asked for it")
        supply.take(plan, FETCH)
        there = sorted(path.name for path in (supply.workspace.inputs / "packages").iterdir())
    assert there == ["cup_1_all.deb", "tea_1_all.deb"]
    assert (supply.given, supply.fetched) == (1, 1)
    assert cache.has(cup.sha256)


def test_a_package_that_came_damaged_is_refused(build: Callable[[int], Supply], cache: Cache) -> None:
    with build(1) as supply:
        plan = supply.plan(asking(packages=(debian("tea", b"tea"),)), PLACE)
        (supply.workspace.out / "packages").mkdir()
        (supply.workspace.out / "packages" / "tea_1_all.deb").write_bytes(b"mud")
        with pytest.raises(DamagedPackage, match=r"tea_1_all\.deb came damaged") as caught:
            supply.take(plan, FETCH)
    assert caught.value.cause == "upstream"
    assert cache.held().files == 0


def test_release_files_are_given_when_they_are_needed(build: Callable[[int], Supply], tmp_path: Path) -> None:
    (tmp_path / "Release").write_text("Date: today\n")
    place = replace(PLACE, snapshot=Snapshot(1, (tmp_path / "Release",)))
    with build(1) as first:
        first.plan(asking(releases=True), place)
    assert (first.workspace.inputs / "releases" / "Release").read_text() == "Date: today\n"
    with build(2) as second:
        second.plan(asking(), place)
    assert not (second.workspace.inputs / "releases").exists()


@pytest.mark.parametrize("said", ["", "soon", "-1", "1e3"])
def test_a_stage_that_does_not_say_how_long_it_took_is_refused(build: Callable[[int], Supply], said: str) -> None:
    with build(1) as supply:
        plan = supply.plan(asking(BASE), PLACE)
        leave(supply, "base", milliseconds=said)
        with pytest.raises(BadResult, match="milliseconds"):
            supply.take(plan, LEAVES)


def test_no_link_leads_out_of_a_stage(build: Callable[[int], Supply], tmp_path: Path, cache: Cache) -> None:
    (tmp_path / "secret").write_text("sesame")
    with build(1) as supply:
        plan = supply.plan(asking(BASE), PLACE)
        leave(supply, "base")
        (supply.workspace.out / "stages" / "base" / "kernel").symlink_to(tmp_path / "secret")
        with pytest.raises(HostFault):
            supply.take(plan, LEAVES)
    assert cache.held().files == 0


def test_two_builds_make_a_stage_one_after_the_other(build: Callable[[int], Supply], tmp_path: Path) -> None:
    """The second waits, and then has what the first made."""
    first = build(1)
    plan = first.plan(asking(BASE), PLACE)

    def end_first() -> None:
        leave(first, "base", kernel="linux")
        first.take(plan, LEAVES)
        first.__exit__(None, None, None)

    with replace(build(2), wait=end_first) as second:
        assert second.plan(asking(BASE), PLACE).steps == ()
    assert second.reused == {"base": 1.5}


def test_the_log_tells_what_was_saved(build: Callable[[int], Supply], tmp_path: Path) -> None:
    for number in (1, 2):
        with build(number) as supply:
            plan = supply.plan(asking(BASE), PLACE)
            if plan.steps:
                leave(supply, "base", kernel="linux")
                supply.take(plan, LEAVES)
    said = [line.text for number in (1, 2) for line in read(tmp_path / f"{number}.log")[0]]
    assert said == ["stage base: made in 1.5 s", "stage base: made before, 1.5 s saved"]


def test_a_recipe_without_stages_tells_nothing(build: Callable[[int], Supply]) -> None:
    with build(1) as supply:
        supply.plan(asking(), PLACE)
    assert supply.told is None


def test_a_second_plan_finds_what_the_first_has_made(build: Callable[[int], Supply]) -> None:
    """Whether it was made before, or just now: it is neither made nor told of again."""
    for number, made in ((1, True), (2, False)):
        with build(number) as supply:
            plan = supply.plan(asking(BASE), PLACE)
            if made:
                leave(supply, "base", kernel="linux")
                supply.take(plan, LEAVES)
            later = supply.plan(asking(BASE, replace(CUSTOM, key=f"{number}" * 64)), PLACE)
            assert [step.name for step in later.steps] == ["custom"]
            leave(supply, "custom", manifest="nano 1")
            supply.take(later, LEAVES)
            said = [line.text for line in read(supply.workspace.path.with_suffix(".log"))[0]]
        assert len([line for line in said if line.startswith("stage base")]) == 1
        assert set(supply.made) == ({"base", "custom"} if made else {"custom"})
        assert set(supply.reused) == (set() if made else {"base"})


def test_a_package_counts_once(build: Callable[[int], Supply], cache: Cache) -> None:
    tea = debian("tea", b"tea")
    cache.take(io.BytesIO(b"tea"))
    with build(1) as supply:
        for _ in range(2):
            supply.plan(asking(packages=(tea,)), PLACE)
    assert supply.given == 1
