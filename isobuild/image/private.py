"""apt in a folder of its own: its settings, and the running of its programs."""

import os
from pathlib import Path

from isobuild.errors import ArchiveAway, Unresolved
from isobuild.image.apt import ARCHITECTURE

SETTINGS = {
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    "Acquire::ForceHash": "SHA256",
    "Acquire::Retries": "2",
    "APT::Architecture": ARCHITECTURE,
    "APT::Architectures": ARCHITECTURE,
    "APT::Install-Recommends": "false",
    "APT::Get::AllowUnauthenticated": "false",
    "APT::Solver": "internal",  # whose words reasons.py knows
    "Debug::NoLocking": "true",
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
}
#: said where it counts most: images for containers switch it off, and each question would take a second more. That of
#: the status is off: apt tells two of them apart by their sizes and seconds
CACHES = ("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin")
HOOKS = ("DPkg::Post-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "APT::Architectures")


def settings(folder: Path) -> str:
    """The text of apt.conf."""
    own = {
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.sources",
        "Dir::Etc::preferences": folder / "preferences",
        "Dir::Etc::netrc": folder / "logins",
        "Dir::Log": folder,
    }
    cleared = "".join(f"#clear {hook};\n" for hook in HOOKS)
    return cleared + "".join(f'{name} "{value}";\n' for name, value in (SETTINGS | own).items())


def run(folder: Path, program: str, *arguments: str, limit: float | None = None) -> str:
    """What one of apt's programs prints, within `limit` seconds. Raises ArchiveAway of an update, else Unresolved."""
    import sh  # costs 50 ms

    env = {name: value for name, value in os.environ.items() if not name.startswith("ISOBUILD_")}
    env |= {"LC_ALL": "C", "APT_CONFIG": f"{folder / 'apt.conf'}"}
    try:
        return str(sh.Command(program)(*CACHES, *arguments, _env=env, _tty_out=False, _timeout=limit))
    except sh.TimeoutException:
        raise ArchiveAway(what=f"it took longer than {limit:g} s.", said="") from None
    except sh.ErrorReturnCode as error:
        said = f"{error.stdout.decode(errors='replace')}\n{error.stderr.decode(errors='replace')}"
        kind = ArchiveAway if "update" in arguments else Unresolved
        raise kind(what=complaints(said) or f"{program} ended with {error.exit_code}.", said=said) from None


def complaints(said: str) -> str:
    """What apt complained of, in one line."""
    return " ".join(line[2:].strip() for line in said.splitlines() if line.startswith("E:"))
