"""Refuse secrets in plain text: by the name of their key, and by what they look like."""

from __future__ import annotations

import re
from functools import lru_cache

from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.nodes import Mapping, Node, Scalar, Sequence, is_null, scalars
from orchestrator.spec.ranges import RANGE_PATTERN

REFERENCE_PATTERN = r"secret://[a-z0-9._-]+(/[a-z0-9._-]+)*"

_SECRET_REF = re.compile(REFERENCE_PATTERN)
_RANGE = re.compile(RANGE_PATTERN)
_SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|(^|[^a-z])(api|private|access)?_?-?key$"
    r"|(^|[^a-z])(pwd|pass|psk|community)$",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"://[^\s/:@]+:[^\s/@]+@")
_TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|AGE-SECRET-KEY-1|\bgh[pousr]_[A-Za-z0-9]{20}"
    r"|\bAKIA[0-9A-Z]{16}|\beyJ[\w-]{10,}\.[\w-]{10,}\."
)
_TOKEN_MARKS = ("PRIVATE KEY", "AGE-SECRET", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "AKIA", "eyJ")
"""One of these is in every match of _TOKEN; looking for them is ten times faster."""


def is_secret_ref(text: str) -> bool:
    """Say whether the text refers to a secret."""
    return _SECRET_REF.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def names_a_secret(key: str) -> bool:
    """Say whether what stands under such a key is a secret."""
    return _SECRET_KEY.search(key) is not None


def looks_secret(text: str) -> bool:
    """Say whether a text is plainly a secret, whatever it is called."""
    if _PASSWORD_IN_URL.search(text):
        return True
    return any(mark in text for mark in _TOKEN_MARKS) and _TOKEN.search(text) is not None


def refuse_secrets(node: Node, text: str, faults: Faults) -> None:
    """Note every plain-text secret in a file, without its value. `text` is the whole file."""
    if looks_secret(text):
        for scalar in scalars(node):
            if looks_secret(scalar.text):
                faults.add(kinds.SECRET_CONTENT, scalar, "The value is withheld.")
    _refuse_by_key(node, faults)


def _refuse_by_key(node: Node, faults: Faults) -> None:
    if isinstance(node, Sequence):
        for item in node.items:
            _refuse_by_key(item, faults)
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            if names_a_secret(key.text):
                _refuse_values(key, value, faults)
            else:
                _refuse_by_key(value, faults)


def _refuse_values(key: Scalar, value: Node, faults: Faults) -> None:
    for scalar in scalars(value):
        if is_null(scalar) or is_secret_ref(_RANGE.sub("0", scalar.text)):
            continue
        if scalar.text.startswith("secret:"):
            detail = f"The reference under `{key.text}` has another form."
            faults.add(kinds.BAD_SECRET_REF, scalar, detail)
        else:
            detail = f"`{key.text}` is the name of a secret, and its value stands here."
            faults.add(kinds.PLAIN_SECRET, scalar, detail)
