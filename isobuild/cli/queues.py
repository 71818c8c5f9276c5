"""Queues and limits: what holds tasks back."""

from isobuild.cli import say
from isobuild.cli.orders import open_desk


def list_all(*, json: bool) -> None:
    """The queues."""
    found = open_desk().queues()
    if json:
        say.value(found)
        return
    rows = [(q["name"], q["waiting"], say.moment(q["paused_at"]), q["who"], q["reason"]) for q in found]
    say.table(("QUEUE", "WAITING", "PAUSED (UTC)", "BY", "WHY"), rows)


def pause(queue: str, reason: str) -> None:
    """Pause a queue."""
    open_desk().pause(queue, reason)
    say.words(f"Nothing goes from queue {queue} now; builds in hand go on. To open it: isobuild queue resume {queue}")


def resume(queue: str) -> None:
    """Resume a queue."""
    open_desk().resume(queue)
    say.words(f"Tasks go from queue {queue} again.")


def limits(*, json: bool) -> None:
    """What is left of what the site allows."""
    found = open_desk().limits()
    if json:
        say.value(found)
        return
    words = {"bucket": "bucket", "orders": "orders of", "builds": "builds of"}
    rows = [
        (f"{words[each['kind']]} {each['name']}", f"{each['left']:g}", each["of"], say.moment(each["full_at"]))
        for each in found
    ]
    say.table(("LIMIT", "LEFT", "OF", "ALL OF IT AT (UTC)"), rows)
    if not found:
        say.words("No limit. A site may set recipe_limits, orders_per_user, buckets and draws (see README).")
