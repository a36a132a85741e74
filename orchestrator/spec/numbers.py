"""Readers of numbers: whole or not, within bounds, and never guessed from a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

from annotated_types import Ge, Gt, Interval

from orchestrator.spec import kinds
from orchestrator.spec.nodes import Node, Scalar
from orchestrator.spec.values import BAD, Bad, Reader, Reading, shortened, single_value

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DIGITS = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")


def integer_reader(*bounds: object) -> Reader:
    """Return a reader of whole numbers within bounds."""
    limits = tuple(map(_limit, bounds))

    def read_integer(node: Node, reading: Reading) -> int | Bad:
        scalar = single_value(node, reading, "a whole number")
        if scalar is None:
            return BAD
        pattern = _DIGITS if scalar.expanded else _INTEGER
        if scalar.plain and pattern.fullmatch(scalar.text):
            number = int(scalar.text)
            return number if _keeps(limits, number, (node, reading)) else BAD
        return _refuse_number(scalar, reading, "a whole number")

    return read_integer


def number_reader(*bounds: object) -> Reader:
    """Return a reader of numbers within bounds."""
    limits = tuple(map(_limit, bounds))

    def read_number(node: Node, reading: Reading) -> float | Bad:
        scalar = single_value(node, reading, "a number")
        if scalar is None:
            return BAD
        if scalar.plain and _NUMBER.fullmatch(scalar.text):
            number = float(scalar.text)
            return number if _keeps(limits, number, (node, reading)) else BAD
        return _refuse_number(scalar, reading, "a number")

    return read_number


def _refuse_number(scalar: Scalar, reading: Reading, wanted: str) -> Bad:
    text = shortened(scalar.text)
    if not scalar.plain and _NUMBER.fullmatch(scalar.text):
        detail = f'"{text}" stands in quotes, which makes it a text.'
        remedy = f"Write {text} without quotes."
    elif scalar.plain and text.startswith("0") and text.isdecimal():
        detail = f"{text} is octal for some YAML readers and decimal for others."
        remedy = f"Write {text.lstrip('0') or '0'}."
    else:
        detail = f"`{text}` is not {wanted}."
        remedy = f"Write {wanted}, in plain digits."
    return reading.refuse(scalar, kinds.WRONG_TYPE, detail, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of a number."""

    wanted: str
    """As in `4095 is not between 1 and 4094`."""
    above: float = -inf
    least: float = -inf
    most: float = inf


def _limit(bound: object) -> Limit:
    match bound:
        case Gt(gt=int(above)):
            return Limit(f"above {above}", above=above)
        case Ge(ge=int(least)):
            return Limit(f"{least} or more", least=least)
        case Interval(ge=int(least), le=int(most)):
            return Limit(f"between {least} and {most}", least=least, most=most)
    raise TypeError(f"the YAML door does not know the bound {bound!r}")


def _keeps(limits: tuple[Limit, ...], number: float, place: tuple[Node, Reading]) -> bool:
    for limit in limits:
        if not (limit.least <= number <= limit.most and number > limit.above):
            node, reading = place
            reading.refuse(node, kinds.OUT_OF_BOUNDS, f"{number} is not {limit.wanted}.")
            return False
    return True
