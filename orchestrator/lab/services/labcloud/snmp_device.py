"""One emulated SNMP device: a recording, what is made for it, and what was written to it.

Of snmpsim we take the recordings and their grammar. Its `writecache` keeps one memory for all of
its devices, so that a name written to one PDU would show on every other; and it indexes every
device's file anew, which takes half a minute for a city.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from pysnmp.proto import rfc1902
from pysnmp.smi import error, exval

Oid = tuple[int, ...]

TYPES = {
    "2": rfc1902.Integer32,
    "4": rfc1902.OctetString,
    "6": rfc1902.ObjectIdentifier,
    "64": rfc1902.IpAddress,
    "65": rfc1902.Counter32,
    "66": rfc1902.Gauge32,
    "67": rfc1902.TimeTicks,
    "70": rfc1902.Counter64,
}
"""The tags of a recording's lines: ASN.1's, in decimal."""

READ_ONLY = ((1, 3, 6, 1, 2, 1, 1, 1), (1, 3, 6, 1, 2, 1, 1, 2), (1, 3, 6, 1, 2, 1, 1, 3))
"""sysDescr, sysObjectID and sysUpTime. The rest can be written: a person may heat a room."""


def parse_oid(text: str) -> Oid:
    """Read `1.3.6.1`."""
    return tuple(map(int, text.split(".")))


def read_line(line: str) -> tuple[Oid, object] | None:
    """Read `OID|TAG|VALUE`; a varying value is taken as it began. None for an unknown type."""
    oid, tag, text = line.split("|", 2)
    tag, _, variation = tag.partition(":")
    if variation:
        began = re.search(r"initial=(\d+)", text)
        text = began[1] if began else "0"
    kind = TYPES.get(tag.rstrip("x"))
    if kind is None:
        return None
    if tag.endswith("x"):
        return parse_oid(oid), kind(hexValue=text)
    return parse_oid(oid), kind(text)


def read_recording(file: Path, wanted: Iterable[str]) -> dict[Oid, object]:
    """Read the wanted subtrees of a recording."""
    prefixes = tuple(f"{prefix}." for prefix in wanted)
    with file.open(encoding="latin-1") as lines:
        read = (read_line(line.rstrip("\n")) for line in lines if line.startswith(prefixes))
        return dict(pair for pair in read if pair is not None)


class Device:
    """What one device answers. The interface is that of pysnmp's MIB instrumentation."""

    def __init__(self, recording: dict[Oid, object], made: dict[Oid, object], kept: Path) -> None:
        """Lay what is made, and what was written, over the recording."""
        self._values = recording | made
        self._order = sorted(self._values)
        self._kept = kept
        for oid, text in self._written().items():
            known = self._values.get(parse_oid(oid))
            if known is not None:
                self._values[parse_oid(oid)] = _restored(known, text)

    def read_variables(self, *bindings, **_):  # noqa: ANN201, ANN002, ANN003 - pysnmp has no types
        """Answer GET."""
        return [(name, self._values.get(tuple(name), exval.noSuchInstance)) for name, _ in bindings]

    def read_next_variables(self, *bindings, **_):  # noqa: ANN201, ANN002, ANN003 - see above
        """Answer GETNEXT and GETBULK."""
        return [self._next(name) for name, _ in bindings]

    def write_variables(self, *bindings, **_):  # noqa: ANN201, ANN002, ANN003 - see above
        """Answer SET: all of it or nothing."""
        for index, (name, value) in enumerate(bindings):
            self._refuse(tuple(name), value, index)
        for name, value in bindings:
            self._values[tuple(name)] = value
        self._keep(bindings)
        return list(bindings)

    def _next(self, name):  # noqa: ANN001, ANN202 - see above
        place = bisect_right(self._order, tuple(name))
        if place == len(self._order):
            return name, exval.endOfMib
        oid = self._order[place]
        return rfc1902.ObjectName(oid), self._values[oid]

    def _refuse(self, oid: Oid, value: object, index: int) -> None:
        known = self._values.get(oid)
        if known is None or any(oid[: len(tree)] == tree for tree in READ_ONLY):
            raise error.NotWritableError(name=oid, idx=index)
        if not known.isSameTypeWith(value):
            raise error.WrongTypeError(name=oid, idx=index)

    def _written(self) -> dict[str, str]:
        return json.loads(self._kept.read_text()) if self._kept.exists() else {}

    def _keep(self, bindings) -> None:  # noqa: ANN001 - see above
        """Keep what was written over a restart, as a device does."""
        written = self._written()
        for name, value in bindings:
            oid = ".".join(map(str, tuple(name)))
            written[oid] = value.asOctets().hex() if _is_text(value) else str(value)
        draft = self._kept.with_suffix(".new")
        draft.write_text(json.dumps(written))
        draft.replace(self._kept)


def _is_text(value: object) -> bool:
    return isinstance(value, rfc1902.OctetString)


def _restored(known, text: str):  # noqa: ANN001, ANN202 - see above
    """Return what was written, in the type that the object has."""
    # `clone` would let the old value win over a hexValue.
    return type(known)(hexValue=text) if _is_text(known) else known.clone(text)
