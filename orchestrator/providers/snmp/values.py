"""SNMP's values and ours: what agents answer, what is written to them, and rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyasn1.type import univ
from pysnmp.proto import rfc1902, rfc1905

Value = int | str | None
"""What an agent answers: a number, a text (an OID is one), or None where it has no such object."""

Oid = str


def sort_rows(
    table: dict[Oid, dict[str, Value]], columns: Sequence[Oid], bindings: Sequence[Any]
) -> dict[Oid, Oid]:
    """Put the answers into the table; return the columns that go on, with their last place."""
    going: dict[Oid, Oid] = {}
    for number, (oid, value) in enumerate(bindings):
        column, found = columns[number % len(columns)], str(oid)
        if found.startswith(f"{column}.") and not isinstance(value, rfc1905.EndOfMibView):
            table[column][found.removeprefix(f"{column}.")] = plain(value)
            going[column] = found
        else:
            going.pop(column, None)
    return going


def plain(value: object) -> Value:
    """Return an answered value as Python has it."""
    if isinstance(value, rfc1905.NoSuchObject | rfc1905.NoSuchInstance | rfc1905.EndOfMibView):
        return None
    if isinstance(value, univ.OctetString):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, univ.Integer):
        return int(value)
    return str(value)


def written(value: int | str) -> object:
    """Return a value as it is sent in a SET."""
    if isinstance(value, int):
        return rfc1902.Integer32(value)
    return rfc1902.OctetString(value.encode())
