"""Whose fault it was that a step failed: what its exit status and its last lines tell."""

import re

from isobuild.domain.states import Cause
from isobuild.errors import StepFailed

#: sysexits(3), for scripts that know it themselves
STATUSES = {
    65: Cause.REQUEST,  # EX_DATAERR
    69: Cause.UPSTREAM,  # EX_UNAVAILABLE
    71: Cause.HOST,  # EX_OSERR
    75: Cause.UPSTREAM,  # EX_TEMPFAIL
}

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
    """The failure of a step: its exit status, the last lines for people, and all that it last said to judge by."""
    failed = StepFailed(step=step, status=status, tail=tail)
    failed.cause = _cause(status, output)
    return failed


def _cause(status: int, output: str) -> Cause:
    if status in STATUSES:
        return STATUSES[status]
    return next((cause for sign, cause in SIGNS if sign.search(output)), Cause.HOST)
