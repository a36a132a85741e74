"""What a name may look like, and which known name a mistyped one was probably meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

NAME_PATTERN = r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"
"""Lower-case letters, digits, hyphens and dots; at most 63; a letter or digit at both ends."""

_NAME = re.compile(NAME_PATTERN)


@lru_cache(maxsize=65536)
def is_name(text: str) -> bool:
    """Say whether the text may name a thing."""
    return _NAME.fullmatch(text) is not None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean ...?` for the nearest known name, or nothing where none is near."""
    nearest = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean `{nearest[0]}`?" if nearest else ""
