"""Telling the site's hooks."""

from datetime import UTC, datetime

from isobuild import hooks
from isobuild.cli.orders import open_desk


def call_due() -> None:
    """Call the hooks for what is due, and print what came of it: to the log, when the tick calls this."""
    hooks.call_due(open_desk(), _say)


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", flush=True)
