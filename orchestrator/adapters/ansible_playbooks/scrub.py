"""Take secrets out of whatever Ansible says, before it is written or shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

SHORTEST = 4
"""Shorter secrets are not looked for: every second word would be one."""
HIDDEN = "(secret)"


class Scrubber:
    """Knows the secrets in every form in which programs usually repeat them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Remember the secrets, longest form first: a part must not spoil the whole."""
        found = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text

    def value(self, value: object) -> object:
        """Return a JSON-like value without secrets, in its keys neither."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A secret of digits may come back as a number.
            return value if self.text(str(value)) == str(value) else HIDDEN
        return value


def _forms(secret: str) -> Iterator[str]:
    """Give the secret as it is, its lines, quoted as JSON and in URLs, and as base64."""
    plain = [secret, secret.strip(), *(line.strip() for line in secret.splitlines())]
    for text in plain:
        if len(text) < SHORTEST:
            continue
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield quote(text, safe="")
        yield from _in_base64(text.encode())


def _in_base64(content: bytes) -> Iterator[str]:
    """Give what base64 shows of the content, wherever in a longer one it stands."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        # Characters at both ends also carry bits of the neighbours.
        inner = encoded[(0, 2, 3)[before] :]
        inner = inner if (before + len(content)) % 3 == 0 else inner[:-1]
        if len(inner) >= 2 * SHORTEST:
            yield inner
