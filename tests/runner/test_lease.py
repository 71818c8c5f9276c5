"""The runner's hold on its build, on a real row."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sites import Site, wait_for

from isobuild import site as parts
from isobuild.domain import builds, tasks
from isobuild.domain.builds import CANCELED
from isobuild.errors import IsobuildError, LostBuild, Stopped
from isobuild.runner.lease import Lease


@pytest.fixture
def lease(site: Site) -> Iterator[Lease]:
    site.order()
    number, token = site.flag()
    with Lease(site.db, number, token, parts.host(site.settings()), 0.1, lambda _: None) as lease:
        yield lease


def _over(lease: Lease) -> IsobuildError | None:
    try:
        lease.check()
    except IsobuildError as error:
        return error
    return None


def _asked(over: IsobuildError | None) -> str:
    return str(over.facts["asked"]) if isinstance(over, Stopped) else ""


def test_it_prolongs_itself_and_tells_how_far_the_build_is(lease: Lease, site: Site) -> None:
    before = site.row().leased_until
    lease.tell(12.34, "unpack")
    lease.tell(5.0, "burn")
    wait_for(lambda: site.row().leased_until > before)
    assert (site.build()["percent"], site.build()["step"]) == (12.3, "burn")
    assert site.row().leased_until > datetime.now(UTC) + timedelta(seconds=50)
    lease.check()


def test_it_hears_what_a_person_asked(lease: Lease, site: Site) -> None:
    site.db.write(tasks.release, 1, None, "ann", datetime.now(UTC))
    assert _asked(wait_for(lambda: _over(lease))) == "release"
    site.db.write(tasks.cancel, 1, "ann", datetime.now(UTC))
    wait_for(lambda: _asked(_over(lease)) == "cancel")


def test_it_is_interrupted_by_its_own_process_at_once(lease: Lease) -> None:
    lease.check()
    lease.interrupt.ask("release", "the machine goes down")
    lease.interrupt.ask("cancel", "something else")
    with pytest.raises(Stopped) as stopped:
        lease.check()
    assert stopped.value.facts == {"asked": "release", "why": "the machine goes down"}


def test_it_is_held_until_the_build_has_ended(lease: Lease, site: Site) -> None:
    lease.interrupt.ask("release", "the machine goes down")
    site.db.write(tasks.release, 1, None, "ann", datetime.now(UTC))
    wait_for(lambda: lease._stopped)
    before = site.row().leased_until
    wait_for(lambda: site.row().leased_until > before)


def test_it_is_lost_with_the_build(lease: Lease, site: Site) -> None:
    site.db.write(builds.finish, 1, lease.token, CANCELED, datetime.now(UTC))
    assert "has ended already (canceled)" in str(wait_for(lambda: _over(lease)))
    with pytest.raises(LostBuild):
        lease.check()


def test_it_ends_with_its_context(lease: Lease, site: Site) -> None:
    lease.__exit__(None, None, None)
    before = site.row().leased_until
    lease.tell(50.0, "late")
    assert not lease._thread.is_alive()
    assert (site.row().leased_until, site.build()["percent"]) == (before, 0.0)
