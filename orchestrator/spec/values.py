"""Read single values: each reader takes a node and gives the value, or BAD with a fault noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import inf
from typing import Final

from annotated_types import Ge, Gt, Interval

from orchestrator.model.names import did_you_mean, is_name
from orchestrator.model.units import SecretRef
from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.kinds import FaultKind
from orchestrator.spec.nodes import Node, Scalar, describe, is_null
from orchestrator.spec.secrets import is_secret_ref


class _Bad:
    """The type of BAD."""


BAD: Final = _Bad()
"""What a reader gives where the value is faulty; the fault is noted."""


@dataclass(slots=True)
class Reading:
    """What reading one file gathers besides the values."""

    faults: Faults
    secret_refs: set[SecretRef] = field(default_factory=set)
    entries: int = 0

    def refuse(
        self, node: Node, kind: FaultKind, detail: str, *, remedy: str | None = None
    ) -> _Bad:
        """Note a fault and give what a reader returns then."""
        self.faults.add(kind, node, detail, remedy=remedy)
        return BAD


Reader = Callable[[Node, Reading], object]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DIGITS = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MAC = re.compile(r"[0-9a-f]{12}")
_MAC_SEPARATORS = re.compile(r"[:.-]")
# What YAML 1.1 or 1.2 readers would not take for text, https://yaml.org/type/ and YAML 1.2.2, 10.3.
_NOT_TEXT: Final = re.compile(
    r"(?P<a_truth_value>(?i:y|n|yes|no|on|off|true|false))"
    r"|(?P<a_time_of_day_in_base_60>[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)"
    r"|(?P<a_date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?)"
    r"|(?P<an_octal_number>[-+]?0o?[0-7_]+)"
    r"|(?P<a_number>[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)))"
)


@lru_cache(maxsize=65536)
def _mistaken_for(text: str) -> str | None:
    """Return what YAML readers would take an unquoted text for."""
    found = _NOT_TEXT.fullmatch(text)
    return str(found.lastgroup).replace("_", " ") if found else None


def read_text(node: Node, reading: Reading) -> str | _Bad:
    """Read a text that says something."""
    text = read_any_text(node, reading)
    if isinstance(text, str) and not text.strip():
        return reading.refuse(node, kinds.BLANK, "The text is empty.")
    return text


def read_any_text(node: Node, reading: Reading) -> str | _Bad:
    """Read a text that may be empty."""
    scalar = _scalar(node, reading, "a text")
    if scalar is None:
        return BAD
    if scalar.plain and not scalar.expanded:
        meaning = _mistaken_for(scalar.text)
        if meaning:
            detail = f"YAML readers take {scalar.text} for {meaning}."
            remedy = f'Put it in quotes: "{scalar.text}".'
            return reading.refuse(node, kinds.QUOTE_IT, detail, remedy=remedy)
    return scalar.text


def read_name(node: Node, reading: Reading) -> str | _Bad:
    """Read a name."""
    text = read_text(node, reading)
    if isinstance(text, str) and not is_name(text):
        return reading.refuse(node, kinds.BAD_NAME, f"The name is `{_shorten(text)}`.")
    return text


def read_mac(node: Node, reading: Reading) -> str | _Bad:
    """Read a MAC address in any usual spelling; give it in lower case with colons."""
    scalar = _scalar(node, reading, "a MAC address")
    if scalar is None:
        return BAD
    digits = _MAC_SEPARATORS.sub("", scalar.text.lower())
    if not _MAC.fullmatch(digits):
        detail = f"`{_shorten(scalar.text)}` is not six bytes."
        return reading.refuse(node, kinds.BAD_MAC, detail)
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def read_secret_ref(node: Node, reading: Reading) -> SecretRef | _Bad:
    """Read a reference to a secret. A faulty value is never shown: it may be the secret."""
    scalar = _scalar(node, reading, "a secret reference")
    if scalar is None:
        return BAD
    if not is_secret_ref(scalar.text):
        kind = kinds.BAD_SECRET_REF if scalar.text.startswith("secret:") else kinds.PLAIN_SECRET
        return reading.refuse(node, kind, "Only a reference may stand here.")
    ref = SecretRef(scalar.text)
    reading.secret_refs.add(ref)
    return ref


def read_bool(node: Node, reading: Reading) -> bool | _Bad:
    """Read `true` or `false`, and none of YAML 1.1's other words for them."""
    scalar = _scalar(node, reading, "true or false")
    if scalar is None:
        return BAD
    if scalar.plain and scalar.text in {"true", "false"}:
        return scalar.text == "true"
    detail = f"`{_shorten(scalar.text)}` is neither true nor false."
    return reading.refuse(
        node, kinds.WRONG_TYPE, detail, remedy="Write true or false, without quotes."
    )


def read_date(node: Node, reading: Reading) -> date | _Bad:
    """Read a date, YYYY-MM-DD."""
    scalar = _scalar(node, reading, "a date")
    if scalar is None:
        return BAD
    if _DATE.fullmatch(scalar.text):
        try:
            return date.fromisoformat(scalar.text)
        except ValueError:
            pass  # 2026-02-30 has the form of a date; it is refused below like any other text
    detail = f"`{_shorten(scalar.text)}` is not a date."
    return reading.refuse(node, kinds.WRONG_TYPE, detail, remedy="Write it as YYYY-MM-DD.")


def integer_reader(*bounds: object) -> Reader:
    """Return a reader of whole numbers within bounds."""
    limits = tuple(map(_limit, bounds))

    def read_integer(node: Node, reading: Reading) -> int | _Bad:
        scalar = _scalar(node, reading, "a whole number")
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

    def read_number(node: Node, reading: Reading) -> float | _Bad:
        scalar = _scalar(node, reading, "a number")
        if scalar is None:
            return BAD
        if scalar.plain and _NUMBER.fullmatch(scalar.text):
            number = float(scalar.text)
            return number if _keeps(limits, number, (node, reading)) else BAD
        return _refuse_number(scalar, reading, "a number")

    return read_number


def choice_reader(choices: type[StrEnum]) -> Reader:
    """Return a reader of one of a fixed set of words."""
    by_word = {str(choice): choice for choice in choices}

    def read_choice(node: Node, reading: Reading) -> StrEnum | _Bad:
        scalar = _scalar(node, reading, "one of a few words")
        if scalar is None:
            return BAD
        found = by_word.get(scalar.text)
        if found is None:
            detail = f"`{_shorten(scalar.text)}` is none of: {', '.join(by_word)}."
            remedy = "Write one of these." + did_you_mean(scalar.text, by_word)
            return reading.refuse(node, kinds.UNKNOWN_CHOICE, detail, remedy=remedy)
        return found

    return read_choice


def address_reader(*families: type) -> Reader:
    """Return a reader of addresses of the given families."""

    def read_address(node: Node, reading: Reading) -> object:
        scalar = _scalar(node, reading, "an address")
        if scalar is None:
            return BAD
        try:
            address = ip_address(scalar.text)
        except ValueError:
            address = None
        if isinstance(address, families):
            return address
        detail = f"`{_shorten(scalar.text)}` is not an {_family_names(families)} address."
        return reading.refuse(node, kinds.WRONG_TYPE, detail)

    return read_address


def prefix_reader(*families: type) -> Reader:
    """Return a reader of prefixes of the given families, without host bits."""

    def read_prefix(node: Node, reading: Reading) -> object:
        scalar = _scalar(node, reading, "a prefix")
        if scalar is None:
            return BAD
        try:
            prefix = ip_network(scalar.text, strict=False) if "/" in scalar.text else None
        except ValueError:
            prefix = None
        if prefix is None or not isinstance(prefix, families):
            detail = f"`{_shorten(scalar.text)}` is not an {_family_names(families)} prefix."
            remedy = "Write address/length, for example 10.0.0.0/24."
            return reading.refuse(node, kinds.WRONG_TYPE, detail, remedy=remedy)
        if ip_address(scalar.text.split("/")[0]) != prefix.network_address:
            detail = f"`{scalar.text}` lies inside {prefix}."
            return reading.refuse(node, kinds.BAD_PREFIX, detail, remedy=f"Write {prefix}.")
        return prefix

    return read_prefix


def _scalar(node: Node, reading: Reading, wanted: str) -> Scalar | None:
    """Return the node where it is a single value; note a fault and return None otherwise."""
    if not isinstance(node, Scalar):
        detail = f"The key wants {wanted}, and {describe(node)} stands here."
        reading.faults.add(kinds.WRONG_SHAPE, node, detail)
        return None
    if node.plain and is_null(node):
        reading.faults.add(kinds.BLANK, node, f"The key wants {wanted}, and nothing stands here.")
        return None
    return node


def _refuse_number(scalar: Scalar, reading: Reading, wanted: str) -> _Bad:
    text = _shorten(scalar.text)
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


def _family_names(families: tuple[type, ...]) -> str:
    return " or ".join(family.__name__[:4] for family in families)


def _shorten(text: str) -> str:
    """Return the text as it fits a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."
