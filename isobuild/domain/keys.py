"""What makes two orders the same order."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def key(recipe: str, options: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a recipe's name and options, however the options are sorted."""
    canonical = json.dumps([recipe, dict(options)], sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()
