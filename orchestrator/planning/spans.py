"""Spans of time as people say them."""

from __future__ import annotations

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def span(seconds: float) -> str:
    """Return a span in its two largest units: `2 h 5 min`, `3 min 12 s`, `5.2 s`."""
    if seconds < 0:
        return f"-{span(-seconds)}"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (*_UNITS, ("s", 1)):
        count, left = divmod(left, size)
        if parts and not count:
            break
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2:
            break
    return " ".join(parts)
