"""What may be chosen about a change of an ISO, and where the ISO comes from."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from image.media import STATUS, Pack, pack
from image.places import PLACE, SNAPSHOT

from isobuild.errors import HostFault, InvalidOption
from isobuild.image.step import Place, Plan
from isobuild.image.upstream import identity
from isobuild.recipes import Cookbook

__all__ = ["pack"]

UPLOAD = f"upload:{'0123456789abcdef' * 4}"
FIRST = replace(PLACE, snapshot=replace(SNAPSHOT, layers={}))


def plan(place: Place = FIRST, **options: Any) -> Plan:
    cookbook = Cookbook()
    return cookbook.find("remaster").plan(cookbook.parse("remaster", options), place)


def task(number: int, iso: str | None = "x.iso") -> dict[str, Any]:
    path = iso and f"/b/in/dependencies/{number}/{iso}"
    return {"task": number, "name": f"t{number}", "iso": path, "sha256": iso and f"{number}" * 64}


def looked_at(plan: Plan) -> str:
    return plan.steps[0].argv[3]


def test_an_upload() -> None:
    assert looked_at(plan(source=UPLOAD)) == f"/b/in/uploads/{UPLOAD[7:]}"


def test_the_iso_of_the_task_that_it_comes_after() -> None:
    place = replace(FIRST, dependencies=(task(3, None), task(7)))
    assert looked_at(plan(place)) == "/b/in/dependencies/7/x.iso"


def test_another_iso_is_another_stage() -> None:
    one, other = (plan(replace(FIRST, dependencies=(task(number),))).stages for number in (7, 8))
    assert one != other


@pytest.mark.parametrize(("tasks", "given"), [((), None), ((task(7), task(8)), "7, 8"), ((task(3, None),), None)])
def test_none_or_several_are_refused(tasks: tuple[Any, ...], given: str | None) -> None:
    with pytest.raises(InvalidOption, match=r"one task to come after, which has an ISO \(--after\)") as caught:
        plan(replace(FIRST, dependencies=tasks))
    assert (caught.value.field, caught.value.facts["given"]) == ("source", given)


def test_a_file_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "isos").mkdir()
    (tmp_path / "isos" / "lab.iso").write_text("an ISO")
    place = replace(FIRST, site=tmp_path)
    first = plan(place, source="lab.iso")
    assert looked_at(first) == f"{tmp_path}/isos/lab.iso"
    (tmp_path / "isos" / "lab.iso").write_text("another one")
    assert plan(place, source="lab.iso").stages != first.stages


def test_a_file_of_the_site_counts_by_what_is_in_it(tmp_path: Path) -> None:
    cookbook = Cookbook()
    chosen = cookbook.parse("remaster", {"source": "lab.iso"})
    assert cookbook.find("remaster").inputs(chosen, tmp_path) == {"lab.iso": tmp_path / "isos" / "lab.iso"}
    assert cookbook.find("remaster").inputs(cookbook.parse("remaster", {"source": UPLOAD}), tmp_path) == {}


def test_a_file_that_is_gone_is_the_hosts_fault(tmp_path: Path) -> None:
    with pytest.raises(HostFault, match=r"The ISO lab\.iso of this site can't be read: No such file"):
        plan(replace(FIRST, site=tmp_path), source="lab.iso")


def test_the_files_that_there_are_are_named(tmp_path: Path) -> None:
    (tmp_path / "isos").mkdir()
    for name in ("a.iso", ".b.part"):
        (tmp_path / "isos" / name).touch()
    with pytest.raises(InvalidOption, match=r"'c\.iso' is not allowed: .* folder isos: a\.iso\.$"):
        Cookbook(tmp_path).parse("remaster", {"source": "c.iso"})


WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"source": "../x.iso"}, "source", "without a path"),
    ({"source": "/etc/passwd"}, "source", "without a path"),
    ({"source": "upload:12"}, "source", "an upload, or the name of a file"),
    ({"remove": "two words"}, "remove", "the name of a Debian package"),
    ({"packages": "nano", "remove": "nano"}, "remove", "a package that nothing here asks for"),
    ({"presets": "ssh-server", "remove": "openssh-server"}, "remove", "a package that nothing here asks for"),
    ({"desktop": "xfce"}, "username", "an account, as the desktop is xfce"),
    ({"hostname": "-tea"}, "hostname", "a host name: 1 to 63 of"),
    ({"keyboard": "qwertz"}, "keyboard", "a keyboard layout, one of"),
]


@pytest.mark.parametrize(("options", "field", "allowed"), WRONG)
def test_a_wrong_option_says_what_may_be(options: dict[str, object], field: str, allowed: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Cookbook().parse("remaster", options)
    assert caught.value.field == field
    assert allowed in str(caught.value)


def test_what_is_empty_stays_as_it_is() -> None:
    names = ("hostname", "title", "username", "locale", "timezone", "keyboard")
    chosen = Cookbook().parse("remaster", dict.fromkeys(names, ""))
    assert {getattr(chosen, name) for name in names} == {""}
    assert chosen == Cookbook().parse("remaster", {})


def test_looks_need_no_desktop_of_the_order_s_own() -> None:
    chosen = Cookbook().parse("remaster", {"wallpaper": UPLOAD, "theme": "Arc-Dark"})
    assert "arc-theme" in Cookbook().find("remaster").layers(chosen, PLACE.apt)[0].packages


def test_it_is_asked_again_until_the_packages_are_known() -> None:
    assert plan(source=UPLOAD).more > 0
    assert plan(PLACE, source=UPLOAD).more == 0


@pytest.mark.parametrize(
    ("options", "until"),
    [({}, "^[a-z0-9-]+ login:"), ({"hostname": "tea"}, "^tea login:"),
     ({"desktop": "xfce", "username": "ana"}, "^isobuild: desktop is up$")],
)  # fmt: skip
def test_the_boot_test_waits_for_what_will_be_there(options: dict[str, Any], until: str) -> None:
    proof = plan(source=UPLOAD, **options).proof
    assert proof
    assert proof.until == until


def test_an_iso_of_the_site_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "isos").mkdir()
    iso = tmp_path / "isos" / "lab.iso"
    iso.write_text("an ISO")
    from isobuild.recipes.remaster import _digest

    before = _digest.cache_info().misses
    for _ in range(3):
        made = plan(replace(FIRST, site=tmp_path), source="lab.iso")
    assert _digest.cache_info().misses == before + 1
    assert _digest(iso, *identity(iso)) == sha256(b"an ISO").hexdigest()
    assert made.reads == {iso: identity(iso)}, "it must stay so while it is read"


DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n'


@pytest.fixture
def lab(pack: Pack) -> Path:
    """An ISO of two layers; the upper has another dpkg status."""
    lower = {"var/lib/dpkg/status": "Package: old\n", "usr/lib/os-release": DEBIAN}
    layers = {"live/1.squashfs": (lower, ()), "live/2.squashfs": ({"var/lib/dpkg/status": STATUS}, ())}
    return pack("lab.iso", {}, layers)


def test_what_is_in_the_iso_is_known_before_the_build(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "isos").mkdir()
    lab.rename(tmp_path / "isos" / "lab.iso")
    cookbook = Cookbook()
    remaster, chosen = cookbook.find("remaster"), cookbook.parse("remaster", {"source": "lab.iso", "suite": "bookworm"})
    base = remaster.base(chosen, tmp_path)
    assert base == tmp_path / "isos" / "lab.iso"
    assert remaster.installed(chosen, base) == {"packages": STATUS}


@pytest.mark.parametrize("source", [UPLOAD, None])
def test_what_people_bring_is_opened_by_builds_alone(source: str | None) -> None:
    cookbook = Cookbook()
    assert cookbook.find("remaster").base(cookbook.parse("remaster", {"source": source}), Path("/site")) is None


@pytest.mark.parametrize(
    ("options", "field", "given", "why"),
    [
        ({"suite": "trixie"}, "suite", "trixie", "this ISO is bookworm: choose --suite bookworm"),
        (
            {"suite": "bookworm", "remove": ["bash", "zsh"]},
            "remove",
            "bash, zsh",
            "zsh: there is no such package in this",
        ),
    ],
)
def test_what_does_not_fit_is_said_before_the_build(
    lab: Path, options: dict[str, Any], field: str, given: str, why: str
) -> None:
    cookbook = Cookbook()
    with pytest.raises(InvalidOption) as caught:
        cookbook.find("remaster").installed(cookbook.parse("remaster", options), lab)
    assert (caught.value.field, caught.value.facts["given"]) == (field, given)
    assert why in str(caught.value)
