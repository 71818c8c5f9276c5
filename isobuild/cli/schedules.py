"""Schedules: what a person does with them, and sees of them."""

from typing import Any, Unpack

from isobuild.cli import say
from isobuild.cli.orders import open_desk
from isobuild.cli.uploads import bring
from isobuild.domain.listing import Shown
from isobuild.domain.wishes import Wish


def add(
    name: str,
    cron: str,
    recipe: str,
    options: dict[str, object],
    *,
    zone: str,
    grace: float,
    user: str,
    **wish: Unpack[Wish],
) -> None:
    """Add a schedule."""
    desk = open_desk(user)
    added = desk.add_schedule(name, cron, recipe, bring(desk, recipe, options), zone=zone, grace=grace, **wish)
    upcoming = added["next"][:2]
    say.words(f"It orders at {', then at '.join(map(_moment, upcoming))}. See: isobuild schedule show {name}")


def list_all(*, json: bool) -> None:
    """All schedules."""
    found = open_desk().schedules()
    if json:
        say.value(found)
        return
    rows = [
        (s["name"], s["cron"], s["zone"], s["recipe"], s["user"], say.moment(s["next_at"]), s["task"], _trouble(s))
        for s in found
    ]
    say.table(("SCHEDULE", "CRON", "ZONE", "RECIPE", "USER", "NEXT (UTC)", "LAST TASK", ""), rows)
    if not found:
        say.words("No schedule. Add one: isobuild schedule add nightly '0 3 * * *' tiny")


def show(name: str, *, json: bool) -> None:
    """One schedule."""
    shown = open_desk().schedule(name)
    if json:
        say.value(shown)
        return
    facts = {key: value for key, value in shown.items() if not isinstance(value, (dict, list))}
    facts |= {key: value for key, value in shown["order"].items() if key != "options"}
    facts |= {f"option {key}": value for key, value in shown["order"]["options"].items()}
    say.table(("", ""), [(key, value) for key, value in facts.items() if value not in (None, False, "", [], {})])
    for fire in shown["next"]:
        print(f"fires at {_moment(fire)}")
    rows = [(say.moment(f["at"]), say.moment(f["fired_at"]), f["task"], f["state"], f["error"]) for f in shown["fires"]]
    if rows:
        say.table(("FIRE (UTC)", "ORDERED (UTC)", "TASK", "STATE", ""), rows)


def pause(name: str, reason: str) -> None:
    """Pause a schedule."""
    open_desk().pause_schedule(name, reason)
    say.words(f"Schedule {name} orders nothing now. To let it go on: isobuild schedule resume {name}")


def resume(name: str) -> None:
    """Resume a schedule."""
    desk = open_desk()
    desk.resume_schedule(name)
    upcoming = desk.schedule(name)["next"][:2]
    say.words(f"Schedule {name} orders again, at {', then at '.join(map(_moment, upcoming))}.")


def remove(name: str) -> None:
    """Forget a schedule."""
    open_desk().remove_schedule(name)
    say.words(f"Schedule {name} is gone; its tasks are there as before.")


def run(name: str) -> None:
    """Order a schedule's task."""
    number = open_desk().run_schedule(name)
    print(number)
    say.words(f"Watch it: isobuild log {number} -f")


def _moment(fire: dict[str, Any]) -> str:
    """A fire in its schedule's zone, with what that is behind or before UTC."""
    date, time = fire["local"][:16].split("T")
    return f"{date} {time} ({fire['local'][19:]})"


def _trouble(schedule: Shown) -> str:
    if schedule["paused_at"]:
        return f"paused: {schedule['reason']}" if schedule["reason"] else "paused"
    return schedule["error"] or ""
