"""Sets of packets as boxes: spans of source addresses, destination addresses and ports.

Comparing boxes is exact: it covers every address and every port, where probes would cover some.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Span = tuple[int, int]
"""First and last, both included."""

LAST_ADDRESS = {4: 2**32 - 1, 6: 2**128 - 1}
ALL_PORTS: Span = (0, 65535)
PROTOCOLS = ("tcp", "udp", "icmp", "other")


@dataclass(frozen=True, slots=True)
class Kind:
    """Packets that can be compared with each other: an IP version and a protocol."""

    version: int
    protocol: str
    """One of PROTOCOLS."""


@dataclass(frozen=True, slots=True)
class Box:
    """Every packet from, to and on these; for icmp the ports are message types."""

    source: Span
    destination: Span
    ports: Span


@dataclass(frozen=True, slots=True)
class Opened:
    """A box that passes, and why: a flow's name, or a rule as it was written."""

    kind: Kind
    box: Box
    origin: str


def everything(version: int) -> Box:
    """Return the box of all packets of an IP version."""
    return Box((0, LAST_ADDRESS[version]), (0, LAST_ADDRESS[version]), ALL_PORTS)


def kinds(*versions: int) -> Iterator[Kind]:
    """Yield every kind of the given IP versions."""
    for version in versions:
        for protocol in PROTOCOLS:
            yield Kind(version, protocol)


def overlap(one: Span, other: Span) -> bool:
    """Say whether two spans share a number."""
    return one[0] <= other[1] and other[0] <= one[1]


def outside(spans: Iterable[Span], last: int) -> Iterator[Span]:
    """Yield what of 0 to `last` is in none of the spans."""
    start = 0
    for first, end in sorted(spans):
        if first > start:
            yield start, first - 1
        start = max(start, end + 1)
    if start <= last:
        yield start, last


def without(box: Box, hole: Box) -> Iterator[Box]:
    """Yield the parts of a box that are outside of another; they do not overlap."""
    if not _touch(box, hole):
        yield box
        return
    for source in _beside(box.source, hole.source):
        yield Box(source, box.destination, box.ports)
    source = _common(box.source, hole.source)
    for destination in _beside(box.destination, hole.destination):
        yield Box(source, destination, box.ports)
    destination = _common(box.destination, hole.destination)
    for ports in _beside(box.ports, hole.ports):
        yield Box(source, destination, ports)


def _touch(box: Box, other: Box) -> bool:
    return (
        overlap(box.source, other.source)
        and overlap(box.destination, other.destination)
        and overlap(box.ports, other.ports)
    )


def _beside(span: Span, hole: Span) -> Iterator[Span]:
    if span[0] < hole[0]:
        yield span[0], hole[0] - 1
    if span[1] > hole[1]:
        yield hole[1] + 1, span[1]


def _common(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])


class Cover:
    """Boxes, kept so that those near another box are found without looking at all of them."""

    def __init__(self, opened: Iterable[Opened]) -> None:
        """Index the boxes by kind, destination and source."""
        tree: dict[Kind, dict[Span, dict[Span, list[Span]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )
        for each in opened:
            tree[each.kind][each.box.destination][each.box.source].append(each.box.ports)
        self._tree: Mapping[Kind, Mapping[Span, Mapping[Span, list[Span]]]] = tree

    def missed(self, kind: Kind, box: Box) -> Box | None:
        """Return a part of the box that nothing here covers, or None where all of it is covered."""
        left = [box]
        for other in self._near(kind, box):
            left = [part for each in left for part in without(each, other)]
            if not left:
                return None
        return left[0]

    def _near(self, kind: Kind, box: Box) -> Iterator[Box]:
        first, last = box.destination
        for destination, sources in self._tree.get(kind, {}).items():
            if destination[0] <= last and first <= destination[1]:
                for source, ports in sources.items():
                    if overlap(source, box.source):
                        for span in ports:
                            yield Box(source, destination, span)
