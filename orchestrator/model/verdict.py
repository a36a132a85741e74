"""What is known of a declared thing, or of a rule."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """How something compares with what should be. What was not observed is unknown, never pass."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    MANUAL = "manual"
    """No device can tell; a person's report does."""


OBSERVED = (Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN)
"""What a device can be the source of; the rest is for people."""
