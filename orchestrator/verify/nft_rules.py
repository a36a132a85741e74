"""An nftables ruleset after reading, and which packets it forwards; the text's form is gone here.

Only what is understood is judged: a reader that meets any other word refuses the whole ruleset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.verify.boxes import (
    ALL_PORTS,
    Box,
    Kind,
    Opened,
    Span,
    everything,
    kinds,
    outside,
    without,
)

FIELDS = ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr", "l4proto", "dport", "icmp", "icmpv6")
LOOPBACK = "lo"
"""The interface that no packet from outside comes by."""
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "icmpv6": 58}
_PROTOCOL = {6: "tcp", 17: "udp"}


class UnreadableError(ValueError):
    """A compiled text says something that its reader does not know."""


@dataclass(frozen=True, slots=True)
class Match:
    """Fields that must be (or must not be) in one of some rows of spans."""

    fields: tuple[str, ...]
    rows: tuple[tuple[Span, ...], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What a packet must match, and what becomes of it; None: nothing, it is only counted."""

    matches: tuple[Match, ...]
    verdict: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What one hook lets pass."""

    policy: str
    rules: tuple[Rule, ...]
    keeps_state: bool
    """Packets of known connections pass before the rules, and invalid ones do not."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The chains of a zone firewall."""

    forward: Chain
    input: Chain


def opened(chain: Chain) -> Iterator[Opened]:
    """Yield the boxes in which a connection may begin.

    Raises:
        UnreadableError: a combination of rules that no box describes.
    """
    refused: list[tuple[Kind, Box]] = []
    for rule in chain.rules:
        if rule.verdict == "accept":
            for kind, box in _boxes(rule.matches):
                yield from (Opened(kind, part, rule.text) for part in _less(kind, box, refused))
        elif rule.verdict == "drop":
            if not rule.matches:
                return
            refused += _boxes(rule.matches)
    if chain.policy != "drop":
        for kind in kinds(4, 6):
            yield from (
                Opened(kind, part, f"policy {chain.policy}")
                for part in _less(kind, everything(kind.version), refused)
            )


def _less(kind: Kind, box: Box, refused: Sequence[tuple[Kind, Box]]) -> list[Box]:
    left = [box]
    for other, hole in refused:
        if other == kind:
            left = [part for each in left for part in without(each, hole)]
    return left


def _boxes(matches: Sequence[Match]) -> Iterator[tuple[Kind, Box]]:
    """Yield the boxes of all matches together."""
    fixed: list[dict[str, Span]] = [{}]
    for match in matches:
        rows = list(_rows(match))
        fixed = [{**known, **row} for known in fixed for row in rows]
    for fields in fixed:
        yield from _box(fields)


def _rows(match: Match) -> Iterator[dict[str, Span]]:
    if not match.negated:
        for row in match.rows:
            yield dict(zip(match.fields, row, strict=True))
        return
    if len(match.fields) != 1:
        raise UnreadableError(f"`!=` with several fields: {' . '.join(match.fields)}")
    [field] = match.fields
    version = 6 if field.startswith("ip6") else 4
    for span in outside((row[0] for row in match.rows), everything(version).source[1]):
        yield {field: span}


def _box(fields: dict[str, Span]) -> Iterator[tuple[Kind, Box]]:
    versions = _versions(fields)
    for version in versions:
        family = "ip" if version == 4 else "ip6"
        whole = everything(version)
        source = fields.get(f"{family} saddr", whole.source)
        destination = fields.get(f"{family} daddr", whole.destination)
        icmp = fields.get("icmp" if version == 4 else "icmpv6")
        if icmp:
            yield Kind(version, "icmp"), Box(source, destination, icmp)
            continue
        for protocol in _protocols(fields):
            ports = fields.get("dport", ALL_PORTS)
            yield Kind(version, protocol), Box(source, destination, ports)


def _versions(fields: dict[str, Span]) -> tuple[int, ...]:
    four = any(field.startswith("ip ") or field == "icmp" for field in fields)
    six = any(field.startswith("ip6 ") or field == "icmpv6" for field in fields)
    if four and six:
        return ()  # no packet is both
    return (4,) if four else (6,) if six else (4, 6)


def _protocols(fields: dict[str, Span]) -> tuple[str, ...]:
    span = fields.get("l4proto")
    if span is None:
        return ("tcp", "udp") if "dport" in fields else ("tcp", "udp", "icmp", "other")
    if span[0] != span[1]:
        raise UnreadableError(f"a range of protocols, {span[0]} to {span[1]}")
    return (_PROTOCOL.get(span[0], "icmp" if span[0] in (1, 58) else "other"),)
