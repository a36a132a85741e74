"""The normal form of an FRR configuration, and the commands that lead from one to another."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.providers.device.driver import Change
from orchestrator.providers.device.lines import Difference, Path, indented, nested

_CLOSERS = frozenset({"exit", "exit-address-family", "exit-vrf", "end"})
_COMMENTS = ("!", "#", "Building configuration...", "Current configuration:")
_NOT_OURS = ("frr version", "frr defaults", "log ", "service integrated-vtysh-config",
             "ip forwarding", "no ip forwarding", "ipv6 forwarding", "no ipv6 forwarding",
             "hostname ", "domainname ", "line vty")  # fmt: skip
"""What a running FRR says of itself whatever was configured (FRR 8 to 10), and its terminals:
`line vty` cannot be taken away again."""

_UNDONE_BY_ITS_START = ("description", "password", "enable password")
"""vtysh refuses the whole line after `no` (FRR 8.4)."""

_BEFORE_NEIGHBOR = 1
_NEIGHBOR_ITSELF = 2


def normal_frr(text: str) -> tuple[Path, ...]:
    """Return the lines that are configured, sorted: FRR lists them in an order of its own."""
    found = indented(text, comments=_COMMENTS, closers=_CLOSERS)
    return tuple(sorted({path for path in found if not path[0].startswith(_NOT_OURS)}))


def ordered(text: str, wanted: tuple[Path, ...]) -> Iterator[Path]:
    """Yield wanted lines in the order of a text, which FRR understands from top to bottom."""
    chosen = set(wanted)
    for path in indented(text, comments=_COMMENTS, closers=_CLOSERS):
        if path in chosen:
            yield path


def commands(difference: Difference, text: str) -> str:
    """Return what vtysh reads to make the difference vanish; `text` tells the order of additions.

    A line that goes takes what is under it along, so that is not said on its own.
    """
    going = sorted(_outermost(difference.extra), key=_undo_order)
    undone = [(*path[:-1], _undo(path[-1])) for path in going]
    added = list(ordered(text, difference.missing))
    return "\n".join([*nested(undone, leave="exit"), *nested(added, leave="exit"), "end", ""])


def reverse(change: Change) -> str:
    """Return what leads back from the wanted configuration to the one before it."""
    there = change.difference
    return commands(Difference(missing=there.extra, extra=there.missing), change.before.text)


def _outermost(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield lines none of whose parts goes as a whole; interfaces are emptied, not deleted."""
    gone = {path for path in paths if not path[-1].startswith("interface ")}
    for path in paths:
        if path[-1].startswith("interface "):
            continue
        if not any(path[:length] in gone for length in range(1, len(path))):
            yield path


def _undo(line: str) -> str:
    for start in _UNDONE_BY_ITS_START:
        if line.startswith(f"{start} "):
            return f"no {start}"
    return line.removeprefix("no ") if line.startswith("no ") else f"no {line}"


def _undo_order(path: Path) -> tuple[int, int]:
    """Take what leans on something away before it; a neighbor goes after all that is said of it."""
    last = _NEIGHBOR_ITSELF if " remote-as " in path[-1] else _BEFORE_NEIGHBOR
    return (last, -len(path))
