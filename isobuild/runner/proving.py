"""The boot test of a build: machines start from the ISO that its steps have left, before it is published.

They run behind the door, as the build user, like the steps. What comes of it never fails a build.
"""

import shutil
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isobuild.image.proof import FIRMWARES, PROGRAM, Firmware
from isobuild.image.step import Plan, Proof, Step
from isobuild.runner import results
from isobuild.runner.carry import Carry

NAME = "boot test"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # as builds have it
FOLDER = "boot"  # below out
SPEED = 4.5  # times as long as it takes, a boot may take
FOR_BOOTS = 0.75  # of the time that a build has left; the rest is publishing's
LEAST = 10.0  # seconds below which no boot is begun
SLACK = 60.0  # seconds in which all is told that came of them
NO_TIME = "the build's time was nearly over"
CUT_SHORT = "the build's time left it {seconds:.0f} s only; {where}"
LARGEST = 8 << 20  # bytes of a file that is kept
PNG = b"\x89PNG\r\n\x1a\n"


class Facts(BaseModel):
    """What is told of one firmware: by the build user, so it is looked at."""

    model_config = ConfigDict(strict=True, extra="ignore")

    reached: bool | None
    seconds: float | None = Field(ge=0, allow_inf_nan=False)
    accel: Literal["kvm", "tcg"] | None
    where: str | None = Field(max_length=1000)


def wanted(site: str, asked: bool | None, plan: Plan) -> Proof | None:
    """How an ISO is to be proved, if it is: `site` is the setting, `asked` what its order says."""
    if asked is False or (asked is None and site == "no"):
        return None
    if asked or site == "yes":
        return plan.proof or Proof()
    return plan.proof if shutil.which("qemu-system-x86_64", path=PATH) else None


def share_before(plan: Plan, proof: Proof | None) -> float:
    """The part of the whole that the plan's steps are, beside their proof."""
    steps = sum(step.weight for step in plan.steps) + plan.more
    return steps / (steps + proof.seconds / SPEED) if proof else 1.0


@dataclass(frozen=True)
class Boots:
    """What came of it by firmware, as `domain/proofs.py` has it; what consoles said and screens showed, by kinds of
    files.
    """

    told: dict[str, dict[str, Any]]
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Proving:
    """The boot test of what a build has carried to its end."""

    carry: Carry
    proof: Proof

    def prove(self, share: float) -> Boots:
        """What came of each firmware; the whole is done to `share` then.

        Raises NoArtifact if there is not one ISO, and what ends the lease.
        """
        room = FOR_BOOTS * self.carry.left()
        seconds = min(self.proof.seconds, room / len(FIRMWARES))
        if seconds < min(LEAST, self.proof.seconds):
            self.carry.log.write("run", f"There is no {NAME}: {NO_TIME}.")
            return Boots({firmware: _untested(NO_TIME) for firmware in FIRMWARES})
        step = self._step(seconds)
        status = self.carry.attempt(step, min(room, len(FIRMWARES) * seconds + SLACK), share)
        return Boots({firmware: self._told(firmware, seconds, status) for firmware in FIRMWARES}, self._files())

    def _step(self, seconds: float) -> Step:
        workspace, proof = self.carry.workspace, self.proof
        workspace.write(PROGRAM.name, PROGRAM.read_text())
        with workspace.open_iso():
            iso = workspace.out / results.find(workspace.out, ".iso")[0]
        told = (f"{iso}", proof.until, f"{seconds:.1f}", f"{proof.memory}", f"{workspace.out / FOLDER}", *FIRMWARES)
        return Step(NAME, ("/usr/bin/python3", "-I", f"{workspace.inputs / PROGRAM.name}", *told))

    def _told(self, firmware: Firmware, seconds: float, status: int) -> dict[str, Any]:
        try:
            facts = Facts.model_validate_json(self._read(f"{firmware}.json")).model_dump()
        except ValidationError:
            return _untested(f"it ended with {status}: {self.carry.log.tail(1)}")
        where = facts["where"] and _printable(self.carry.log.veil.over(facts["where"]))
        late = (facts["seconds"] or 0) > seconds - 1
        if facts["reached"] is False and late and seconds < self.proof.seconds:
            return _untested(CUT_SHORT.format(seconds=seconds, where=where))
        return facts | {"where": where}

    def _files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for firmware in FIRMWARES:
            screen, said = self._read(f"{firmware}.png"), self._read(f"{firmware}.log").decode(errors="replace")
            if screen.startswith(PNG):
                found[f"boot-{firmware}"] = screen
            if said:
                found[f"boot-{firmware}-log"] = self.carry.log.veil.over(said).encode()
        return found

    def _read(self, name: str) -> bytes:
        try:
            with results.open_plain(self.carry.workspace.out / FOLDER, name) as file:
                return file.read(LARGEST)
        except OSError:
            return b""


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _untested(why: str) -> dict[str, Any]:
    return {"reached": None, "seconds": None, "accel": None, "where": why}
