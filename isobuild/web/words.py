"""Values as words for people."""

import re
from collections.abc import Mapping
from datetime import datetime

from isobuild.domain import proofs, updates
from isobuild.domain.listing import Shown
from isobuild.web.fields import as_text

UPLOAD = re.compile(r"(upload:[0-9a-f]{12})[0-9a-f]{52}")
KINDS = {
    "iso": "the ISO",
    "boot-bios": "its screen, booted by BIOS",
    "boot-bios-log": "what its console said then",
    "boot-uefi": "its screen, booted by UEFI",
    "boot-uefi-log": "what its console said then",
    "manifest": "its packages",
    "sbom": "bill of materials",
    "provenance": "how it came to be",
    "zsync": "for who has an older one",
    "torrent": "torrent",
    "sums": "checksums",
    "signature": "their signature",
}
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


def verified(task: Shown) -> str:
    """What is said of its boot test beside its state: "verified", "not verified", or nothing."""
    return proofs.mark(task["proof"])


def updated(task: Shown) -> str:
    """How many newer packages there are: "3 updates, 1 for security", or nothing."""
    return updates.mark(task["updates"])


def boots(task: Shown) -> list[Shown]:
    """What came of its boot test: of each firmware the words, and the files of its screen and of its console."""
    files = {file["kind"]: file for file in task["files"]}
    return [
        {
            "firmware": firmware,
            "name": firmware.upper(),
            "words": proofs.words(facts),
            "reached": facts["reached"],
            "screen": files.get(f"boot-{firmware}"),
            "log": files.get(f"boot-{firmware}-log"),
        }
        for firmware, facts in (task["proof"] or {}).items()
    ]


def beside(task: Shown) -> list[Shown]:
    """The files beside its ISO, without those of its boot test."""
    return [file for file in task["files"] if file["kind"] != "iso" and not file["kind"].startswith("boot-")]


def called(file: Shown) -> str:
    """What a file beside an ISO is, in a few words."""
    return KINDS.get(str(file["kind"]), str(file["kind"]))


def listed(tags: Mapping[str, str]) -> str:
    """Tags as they stand in a field."""
    return as_text([f"{tag}={value}" if value else tag for tag, value in tags.items()])


def option(value: object) -> str:
    """What was chosen, as a text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        parts = {name: option(each) for name, each in value.items() if each not in (None, "", [], {}, False)}
        return ", ".join(f"{name.replace('_', ' ')}: {each}" for name, each in parts.items())
    if isinstance(value, list):
        return ("; " if any(isinstance(each, Mapping) for each in value) else ", ").join(map(option, value))
    return UPLOAD.sub(r"\1…", str(value))


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
    if proofs.verified(task["proof"]) is False:
        return "It was built, but it did not come up in its boot test: see below how far it came before you use it."
    return {
        "pending": "It starts by itself when its turn comes. You may close this page and come back.",
        "blocked": "It goes on by itself when what it waits for is ready. You may close this page and come back.",
        "building": "It is being built. You may close this page and come back.",
        "ready": "Download it, check it, and write it to a USB stick or boot it in a virtual machine.",
        "canceled": "It was canceled. Retry builds it after all, with the same options.",
        "expired": "Its ISO was kept for its time and then removed. Retry builds it again, with the same options.",
    }[task["state"]]
