"""The cache of this host: what it holds, and letting go of it."""

from typing import Any

from isobuild import site
from isobuild.cli import say
from isobuild.config import load
from isobuild.store.cache import Cache, Made


def show(*, json: bool) -> None:
    """What the cache holds."""
    cache = site.cache(load())
    shown = _shown(cache)
    if json:
        say.value(shown)
        return
    say.table(("STAGE", "KEY", "SECONDS", "SIZE", "USED AGAIN", "SAVED"), map(_row, shown["stages"]))
    room = f"{say.size(shown['bytes'])} of {say.size(cache.size)}" if cache.size else "switched off (cache_size = 0)"
    say.words(f"{shown['files']} files, packages and stages: {room}, in {cache.folder}")
    if shown["uses"]:
        say.words(f"These stages were used again {_often(shown['uses'])}, which saved {shown['saved']:g} s.")


def prune(*, everything: bool, json: bool) -> None:
    """Let go of what is too much, or of everything."""
    gone = site.cache(load()).prune(0 if everything else None)
    if json:
        say.value({"bytes": gone})
    else:
        say.words(f"{say.size(gone)} went.")


def _row(stage: dict[str, Any]) -> tuple[str, ...]:
    """A stage for people: how long it took, and what it saved who used it again."""
    saved = (_often(stage["uses"]), f"{stage['saved']:g} s") if stage["uses"] else ("", "")
    return (stage["name"], stage["key"][:12], f"{stage['seconds']:g}", say.size(stage["bytes"]), *saved)


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _shown(cache: Cache) -> dict[str, Any]:
    held = cache.held()
    stages = [_stage(cache, key, made) for key, made in held.stages.items()]
    stages.sort(key=lambda each: (each["name"], each["key"]))
    total = {name: round(sum(each[name] for each in stages), 1) for name in ("uses", "saved")}
    return {"stages": stages, "files": held.files, "bytes": held.bytes, "limit": cache.size} | total


def _stage(cache: Cache, key: str, made: Made) -> dict[str, Any]:
    """What is known of a stage; `saved`: the seconds that those who used it again did not take to make it."""
    facts = {"name": made.name, "key": key, "seconds": made.seconds, "files": dict(made.files)}
    uses = cache.uses(key)
    return facts | {"bytes": cache.weigh(made), "uses": uses, "saved": round(uses * made.seconds, 1)}
