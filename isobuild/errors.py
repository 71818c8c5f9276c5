"""Everything that can go wrong, on one screen; each class owns its words.

The words are the docstring, filled with the facts the error was raised with. Only the command line
exits and only the web makes statuses; both go by the four kinds at the top.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class IsobuildError(Exception):
    """Something went wrong."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(" ".join((self.__doc__ or "").split()).format(**facts))

    def __reduce__(self) -> tuple[Any, ...]:  # as it may come from another process
        return _again, (type(self), self.facts)


def _again(kind: type[IsobuildError], facts: dict[str, Any]) -> IsobuildError:
    return kind(**facts)


class BadInput(IsobuildError):
    """{field}: {given!r} can't be used: {allowed}."""

    @property
    def field(self) -> str:
        """The name of what was wrong, as in a form or after `--`."""
        return str(self.facts.get("field", ""))


@contextmanager
def located(where: str) -> Iterator[None]:
    """Let what is wrong say where: the field of a BadInput becomes "`where`, field"."""
    try:
        yield
    except BadInput as error:
        raise type(error)(**error.facts | {"field": f"{where}, {error.field}"}) from None


class NotFound(IsobuildError):
    """There is no {what} {given}. {hint}"""


class Refused(IsobuildError):
    """What was asked for does not go with the present state."""


# what a person ordered


class InvalidName(BadInput):
    """{field}: {given!r} can't be a name: {allowed}."""


class NameTaken(BadInput):
    """{field}: {given!r} is the name of your task {task} already; choose another name, or remove that task."""


class InvalidOption(BadInput):
    """{field}: {given!r} is not allowed: {allowed}."""


class CannotInstall(InvalidOption):
    """{field}: {given} can't be installed: {allowed}"""


class CannotAsk(InvalidOption):
    """{field}: {given} can't be used: {allowed}"""


class UnknownOption(BadInput):
    """{field}: recipe {recipe} has no such option (given: {given!r}); it has: {allowed}."""


class TooLarge(BadInput):
    """{field}: {given} is too large: {allowed}."""


class UnknownRecipe(BadInput):
    """{field}: there is no recipe {given!r}; there are: {allowed}."""


class UnknownQueue(BadInput):
    """{field}: there is no queue {given!r}; there are: {allowed}."""


class BadBackup(BadInput):
    """{field} {given}: {allowed}. Nothing was imported."""


class ScheduleTaken(BadInput):
    """{field}: there is a schedule {given!r} already; choose another name, or remove that one."""


class DependencyCycle(BadInput):
    """{field}: {given!r} can't be built: {allowed}."""


class InvalidSetting(BadInput):
    """Setting {field}: {given!r} is not allowed: {allowed}. It comes from {source}."""


# states


class IllegalMove(Refused):
    """A {what} can't go from {old} to {new}."""


class CannotCancel(Refused):
    """Task {task} is {state}: only a task that waits or is being built can be canceled."""


class CannotRetry(Refused):
    """Task {task} is {state}: only a task that failed, was canceled or has expired can be tried again."""


class CannotRelease(Refused):
    """Task {task} is {state}: only a build in hand can be given back."""


class CannotRemove(Refused):
    """Task {task} has an open build, number {build}: cancel it first (isobuild cancel {task})."""


class IsNeeded(Refused):
    """Task {task} can't be removed: task {others} depends on it, and is not ready. Remove that first."""


class Overlaps(Refused):
    """Task {task} is the same and has not ended, and it was ordered to be the only one at a time."""


class TooMany(Refused):
    """{user} has ordered as many ISOs as anybody may here, {allowance}. Come again at {when} UTC."""


class NotEmpty(Refused):
    """There are rows in {tables} already: only an empty database takes an import."""


class NotPaused(Refused):
    """Queue {queue} is not paused."""


class ScheduleRuns(Refused):
    """Schedule {name} is not paused."""


class NoSeat(Refused):
    """Host {host} has {slots} slots, and a loop that builds on each of them: raise the setting 'slots', or end one."""


class LostSeat(Refused):
    """This loop was taken for lost: its seat on {host} is its own no longer."""


class NoSlot(Refused):
    """Host {host} has no free slot: its {slots} are taken. Wait for a build to end, or raise the setting 'slots'."""


class CannotGo(Refused):
    """{name} can't be built now: {why}."""


class KeyExists(Refused):
    """This site has a key already, in {folder}: people know its ISOs by it. Move that away first for another one."""


class NotReady(Refused):
    """Task {task} is {state}: its ISO can be downloaded only when it is ready."""


class NotEnded(Refused):
    """Task {task} is still {state} after {seconds} s."""


class ReportRefused(Refused):
    """The report changes nothing: {why}."""


class LostBuild(Refused):
    """Build {build} is no longer this runner's: {why}."""


class Stopped(Refused):
    """Somebody asked the build to stop: {asked}."""


# a build that ends badly; the cause says whose fault it is


class BuildFailed(IsobuildError):
    """{what}"""

    cause = "request"


class StepFailed(BuildFailed):
    """Step {step} ended with exit status {status}: {tail}"""


class StepRefused(StepFailed):
    """{why} (step {step}, exit status {status})"""


class NoArtifact(BuildFailed):
    """The build left {count} files named *.iso in {out}; exactly one is needed."""


class BadResult(BuildFailed):
    """The build left a {name} in {out} that can't be used: {why}."""


class TimedOut(BuildFailed):
    """The build took longer than its limit of {limit} s, in step {step}."""

    cause = "timeout"


class TookLong(TimedOut):
    """The build took longer than its soft limit of {limit} s, in step {step}."""


class NoRoom(BuildFailed):
    """{path} has room for {free} more, and {needed} are needed."""

    cause = "host"


class HostFault(BuildFailed):
    """{what}"""

    cause = "host"


class ArchiveAway(BuildFailed):
    """An archive of packages does not answer as it should: {what}"""

    cause = "upstream"


class ArchiveRefused(BuildFailed):
    """{uri} can't be used: {why}"""


class DamagedPackage(BuildFailed):
    """{file} came damaged: it has not the hash that the archive's list says. Try again later, or another mirror."""

    cause = "upstream"


class Unresolved(BuildFailed):
    """{what}"""


class LaunchFailed(HostFault):
    """The build could not be started: {what}"""


# around it


class DatabaseDown(IsobuildError):
    """The database can't be reached: {why}"""


class DatabaseOutdated(IsobuildError):
    """The database is at revision {found}, and this isobuild needs {needed}: run 'isobuild db upgrade'."""


class NotYourHome(IsobuildError):
    """{home} belongs to {owner}: call isobuild as that user, or set ISOBUILD_HOME to a folder of your own."""


class WrongDatabase(Refused):
    """Nothing is pruned: {home} belongs to another database than this one. See 'database' in docs/backup.md, or remove
    {file} if this one is right.
    """


class HookTooSlow(IsobuildError):
    """{hook} took longer than {limit} s."""


class Damaged(IsobuildError):
    """The copy's SHA-256 is {found}, and {wanted} was expected: the file in the store is damaged."""


class NotLoopback(BadInput):
    """{field}: {given!r} is not a loopback address. The page has no accounts yet, so it is served to
    this machine only: {allowed}."""
