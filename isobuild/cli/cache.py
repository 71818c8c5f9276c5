"""The cache of this host: what it holds, and letting go of it."""

from typing import Any

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.store.cache import Cache


def show(*, json: bool) -> None:
    """What the cache holds."""
    cache = site.cache(load())
    shown = _shown(cache)
    if json:
        say.value(shown)
        return
    say.table(
        ("STAGE", "KEY", "SECONDS", "SIZE"),
        ((each["name"], each["key"][:12], f"{each['seconds']:g}", say.size(each["bytes"])) for each in shown["stages"]),
    )
    room = f"{say.size(shown['bytes'])} of {say.size(cache.size)}" if cache.size else "switched off (cache_size = 0)"
    say.words(f"{shown['files']} files, packages and stages: {room}, in {cache.folder}")


def prune(*, everything: bool, json: bool) -> None:
    """Let go of what is too much, or of everything."""
    gone = site.cache(load()).prune(0 if everything else None)
    if json:
        say.value({"bytes": gone})
    else:
        say.words(f"{say.size(gone)} went.")


def _shown(cache: Cache) -> dict[str, Any]:
    held = cache.held()
    stages = [
        {"name": made.name, "key": key, "seconds": made.seconds, "files": dict(made.files), "bytes": cache.weigh(made)}
        for key, made in held.stages.items()
    ]
    stages.sort(key=lambda each: (each["name"], each["key"]))
    return {"stages": stages, "files": held.files, "bytes": held.bytes, "limit": cache.size}
