"""Values as words for people."""

from collections.abc import Mapping
from datetime import datetime

from isobuild.domain.listing import Shown
from isobuild.web.fields import as_text

THEN = {
    "request": "The order itself can't be built: order again with other options.",
    "upstream": "A mirror or the network failed, not the order: retry later.",
    "host": "This server lacked something, not the order: tell the people who run it, then retry.",
    "lost": "The build was lost with its runner, not by the order's fault: retry.",
    "timeout": "It took too long: order less, or ask the people who run this server for a longer time limit.",
}


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count / (1 << 20):.1f} MiB" if count < 1 << 30 else f"{count / (1 << 30):.2f} GiB"


def moment(time: str) -> str:
    """A time of a listing, to the second: "2026-11-21 06:43:00 UTC"."""
    return f"{time[:19].replace('T', ' ')} UTC"


def clock(time: str) -> str:
    """The time of day of a log's line."""
    return time[11:19]


def took(build: Shown) -> str:
    """How long an ended build took."""
    if not (build["started_at"] and build["finished_at"]):
        return ""
    return seconds(
        (datetime.fromisoformat(build["finished_at"]) - datetime.fromisoformat(build["started_at"])).total_seconds()
    )


def seconds(count: float) -> str:
    """A number of seconds: "40 s", "1 min 5 s", "2 h 3 min"."""
    minutes, rest = divmod(int(count), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def where(task: Shown) -> str:
    """Where a task stands, in a few words; what its state says already is left out."""
    if task["state"] == "building":
        stopping = "stopping: " if task["stopping"] else ""
        step = f", {task['step']}" if task["step"] else ""
        return f"{stopping}{task['percent']:.0f} %{step}"
    return sentence(task["why"]) if task["why"] else ""


def listed(tags: Mapping[str, str]) -> str:
    """Tags as they stand in a field."""
    return as_text([f"{tag}={value}" if value else tag for tag, value in tags.items()])


def sentence(words: str) -> str:
    """The words with a capital at their beginning and a full stop at their end."""
    return f"{words[:1].upper()}{words[1:]}."


def expected(task: Shown) -> str:
    """When the ISO is expected: "2026-11-21 07:05 UTC, most likely between 07:01 and 07:20"."""
    eta = task["eta"]
    if not eta:
        return ""
    likely, earliest, latest = (eta[key][:16].replace("T", " ") for key in ("likely", "earliest", "latest"))
    return f"{likely} UTC, most likely between {_apart(earliest, likely)} and {_apart(latest, likely)}"


def _apart(moment: str, other: str) -> str:
    """The time alone, if the day is the same."""
    return moment[11:] if moment[:10] == other[:10] else moment


def headline(task: Shown) -> str:
    """A task in the title of its page: the name, the state, and the percent of it that moves."""
    percent = f" {task['percent']:.0f} %" if task["state"] == "building" else ""
    return f"{task['name']}: {task['state']}{percent}"


def then(task: Shown) -> str:
    """What happens next, or what a person can do."""
    if task["state"] == "building" and task["stopping"]:
        return "It stops within seconds."
    if task["state"] == "failed" and task["after"] and not task["build"]:
        return "It was never begun. Retry it when what it depends on is ready, or is on its way."
    if task["state"] == "failed":
        return THEN.get(task["cause"], "Read its log, then retry.")
    return {
        "pending": "It starts by itself when its turn comes. You may close this page and come back.",
        "blocked": "It goes on by itself when what it waits for is ready. You may close this page and come back.",
        "building": "It is being built. You may close this page and come back.",
        "ready": "Download it, check it, and write it to a USB stick or boot it in a virtual machine.",
        "canceled": "It was canceled. Retry builds it after all, with the same options.",
        "expired": "Its ISO was kept for its time and then removed. Retry builds it again, with the same options.",
    }[task["state"]]
