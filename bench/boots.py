"""An ISO booted by both firmwares at once, as within a build."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isobuild.image.proof import FIRMWARES, Firmware, boot

LIMIT = 1200.0  # seconds
MEMORY = 2048  # MiB


def boots(iso: Path, until: str, folder: Path | None = None) -> list[object]:
    """For each firmware the seconds until its console showed the regular expression, or where it stopped, in words.

    The folder gets what was said and shown.
    """

    def told(firmware: Firmware) -> object:
        tried = boot(iso, firmware, until, LIMIT, folder, MEMORY)
        return tried.seconds if tried.reached else f"no: {tried.where}"

    with ThreadPoolExecutor(len(FIRMWARES)) as pool:
        return list(pool.map(told, FIRMWARES))
