"""What became of a task, change by change."""

from isobuild.cli import say
from isobuild.cli.orders import open_desk


def history(number: int, *, json: bool) -> None:
    """The history of a task and its builds, of a removed one too."""
    found = open_desk().history(number)
    if json:
        say.value(found)
        return
    rows = [
        (say.moment(event["at"]), f"build {event['build']}" if event["build"] else "task", event["from"], event["to"],
         event["who"], event["why"])
        for event in found
    ]  # fmt: skip
    say.table(("AT (UTC)", "", "FROM", "TO", "WHO", "WHY"), rows)
