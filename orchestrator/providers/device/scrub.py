"""Configurations as a screen may show them: what follows a word for a secret is hidden.

What we compile holds no secret; what somebody typed on a device may.
"""

from __future__ import annotations

import re

HIDDEN = "***"

_SECRET = re.compile(
    r"(?i)\b(password|secret|cipher|community|pre-shared-key|key-string|md5|key)\b(\s+\S+)*\s*$"
)


def scrubbed(text: str) -> str:
    """Return a configuration, or one line of it, without its secrets."""
    return "\n".join(
        _SECRET.sub(rf"\1 {HIDDEN}", line) if _SECRET.search(line) else line
        for line in text.split("\n")
    )
