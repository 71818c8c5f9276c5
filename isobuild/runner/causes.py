"""Whose fault it was that a step failed: what its exit status and its last lines tell."""

import re

from isobuild.domain.states import Cause
from isobuild.errors import StepFailed, StepRefused

#: sysexits(3), for scripts that know it themselves
STATUSES = {
    65: Cause.REQUEST,  # EX_DATAERR
    69: Cause.UPSTREAM,  # EX_UNAVAILABLE
    71: Cause.HOST,  # EX_OSERR
    75: Cause.UPSTREAM,  # EX_TEMPFAIL
}

#: of these the script knows why, and says so on a line of its own, as apt does
TOLD = (65, 71)
WHY = re.compile(r"^E: +(\S.*?)[\s.]*$", re.MULTILINE)

#: What apt, dpkg, curl and the kernel say; the first that is found counts.
SIGNS = (
    (
        re.compile(r"No space left on device|ENOSPC|Disk quota exceeded|Cannot allocate memory|command not found"),
        Cause.HOST,
    ),
    (
        re.compile(
            r"Failed to fetch|Could not (?:resolve|connect)|Temporary failure|Connection (?:timed out|refused|reset)"
            r"|Hash Sum mismatch|unexpected size|Network is unreachable|Release file .* is (?:expired|not valid yet)"
        ),
        Cause.UPSTREAM,
    ),
    (
        re.compile(
            r"Unable to locate package|has no installation candidate|unmet dependencies|pkgProblemResolver"
            r"|does not have a Release file|Version '.*' for '.*' was not found"
        ),
        Cause.REQUEST,
    ),
)


def failure(step: str, status: int, tail: str, output: str) -> StepFailed:
    """The failure of a step: its exit status, the last lines for people, and all that it last said, to judge by."""
    facts = {"step": step, "status": status, "tail": tail}
    why = WHY.findall(output) if status in TOLD else []
    failed = StepRefused(why=why[-1], **facts) if why else StepFailed(**facts)
    failed.cause = _cause(status, output)
    return failed


def _cause(status: int, output: str) -> Cause:
    if status in STATUSES:
        return STATUSES[status]
    return next((cause for sign, cause in SIGNS if sign.search(output)), Cause.HOST)
