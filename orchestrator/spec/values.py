"""Read single values: each reader takes a node and gives the value, or BAD with a fault noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

from orchestrator.model.names import did_you_mean, is_name
from orchestrator.model.units import SecretRef
from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.kinds import FaultKind
from orchestrator.spec.nodes import Node, Scalar, describe, is_null
from orchestrator.spec.secrets import is_secret_ref


class Bad:
    """The type of BAD."""


BAD: Final = Bad()
"""What a reader gives where the value is faulty; the fault is noted."""


@dataclass(slots=True)
class Reading:
    """What reading one file gathers besides the values."""

    faults: Faults
    secret_refs: set[SecretRef] = field(default_factory=set)
    entries: int = 0

    def refuse(self, node: Node, kind: FaultKind, detail: str, *, remedy: str | None = None) -> Bad:
        """Note a fault and give what a reader returns then."""
        self.faults.add(kind, node, detail, remedy=remedy)
        return BAD


Reader = Callable[[Node, Reading], object]

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


def read_text(node: Node, reading: Reading) -> str | Bad:
    """Read a text that says something."""
    text = read_any_text(node, reading)
    if isinstance(text, str) and not text.strip():
        return reading.refuse(node, kinds.BLANK, "The text is empty.")
    return text


def read_any_text(node: Node, reading: Reading) -> str | Bad:
    """Read a text that may be empty."""
    scalar = single_value(node, reading, "a text")
    if scalar is None:
        return BAD
    if scalar.plain and not scalar.expanded:
        meaning = _mistaken_for(scalar.text)
        if meaning:
            detail = f"YAML readers take {scalar.text} for {meaning}."
            remedy = f'Put it in quotes: "{scalar.text}".'
            return reading.refuse(node, kinds.QUOTE_IT, detail, remedy=remedy)
    return scalar.text


def read_name(node: Node, reading: Reading) -> str | Bad:
    """Read a name."""
    text = read_text(node, reading)
    if isinstance(text, str) and not is_name(text):
        return reading.refuse(node, kinds.BAD_NAME, f"The name is `{shortened(text)}`.")
    return text


def read_mac(node: Node, reading: Reading) -> str | Bad:
    """Read a MAC address in any usual spelling; give it in lower case with colons."""
    scalar = single_value(node, reading, "a MAC address")
    if scalar is None:
        return BAD
    digits = _MAC_SEPARATORS.sub("", scalar.text.lower())
    if not _MAC.fullmatch(digits):
        detail = f"`{shortened(scalar.text)}` is not six bytes."
        return reading.refuse(node, kinds.BAD_MAC, detail)
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def read_secret_ref(node: Node, reading: Reading) -> SecretRef | Bad:
    """Read a reference to a secret. A faulty value is never shown: it may be the secret."""
    scalar = single_value(node, reading, "a secret reference")
    if scalar is None:
        return BAD
    if not is_secret_ref(scalar.text):
        kind = kinds.BAD_SECRET_REF if scalar.text.startswith("secret:") else kinds.PLAIN_SECRET
        return reading.refuse(node, kind, "Only a reference may stand here.")
    ref = SecretRef(scalar.text)
    reading.secret_refs.add(ref)
    return ref


def read_bool(node: Node, reading: Reading) -> bool | Bad:
    """Read `true` or `false`, and none of YAML 1.1's other words for them."""
    scalar = single_value(node, reading, "true or false")
    if scalar is None:
        return BAD
    if scalar.plain and scalar.text in {"true", "false"}:
        return scalar.text == "true"
    detail = f"`{shortened(scalar.text)}` is neither true nor false."
    return reading.refuse(
        node, kinds.WRONG_TYPE, detail, remedy="Write true or false, without quotes."
    )


def read_date(node: Node, reading: Reading) -> date | Bad:
    """Read a date, YYYY-MM-DD."""
    scalar = single_value(node, reading, "a date")
    if scalar is None:
        return BAD
    if _DATE.fullmatch(scalar.text):
        try:
            return date.fromisoformat(scalar.text)
        except ValueError:
            pass  # 2026-02-30 has the form of a date; it is refused below like any other text
    detail = f"`{shortened(scalar.text)}` is not a date."
    return reading.refuse(node, kinds.WRONG_TYPE, detail, remedy="Write it as YYYY-MM-DD.")


def choice_reader(choices: type[StrEnum]) -> Reader:
    """Return a reader of one of a fixed set of words."""
    by_word = {str(choice): choice for choice in choices}

    def read_choice(node: Node, reading: Reading) -> StrEnum | Bad:
        scalar = single_value(node, reading, "one of a few words")
        if scalar is None:
            return BAD
        found = by_word.get(scalar.text)
        if found is None:
            detail = f"`{shortened(scalar.text)}` is none of: {', '.join(by_word)}."
            remedy = "Write one of these." + did_you_mean(scalar.text, by_word)
            return reading.refuse(node, kinds.UNKNOWN_CHOICE, detail, remedy=remedy)
        return found

    return read_choice


def address_reader(*families: type) -> Reader:
    """Return a reader of addresses of the given families."""

    def read_address(node: Node, reading: Reading) -> object:
        scalar = single_value(node, reading, "an address")
        if scalar is None:
            return BAD
        try:
            address = ip_address(scalar.text)
        except ValueError:
            address = None
        if isinstance(address, families):
            return address
        detail = f"`{shortened(scalar.text)}` is not an {_family_names(families)} address."
        return reading.refuse(node, kinds.WRONG_TYPE, detail)

    return read_address


def prefix_reader(*families: type) -> Reader:
    """Return a reader of prefixes of the given families, without host bits."""

    def read_prefix(node: Node, reading: Reading) -> object:
        scalar = single_value(node, reading, "a prefix")
        if scalar is None:
            return BAD
        try:
            prefix = ip_network(scalar.text, strict=False) if "/" in scalar.text else None
        except ValueError:
            prefix = None
        if prefix is None or not isinstance(prefix, families):
            detail = f"`{shortened(scalar.text)}` is not an {_family_names(families)} prefix."
            remedy = "Write address/length, for example 10.0.0.0/24."
            return reading.refuse(node, kinds.WRONG_TYPE, detail, remedy=remedy)
        if ip_address(scalar.text.split("/")[0]) != prefix.network_address:
            detail = f"`{scalar.text}` lies inside {prefix}."
            return reading.refuse(node, kinds.BAD_PREFIX, detail, remedy=f"Write {prefix}.")
        return prefix

    return read_prefix


def single_value(node: Node, reading: Reading, wanted: str) -> Scalar | None:
    """Return the node where it is a single value; note a fault and return None otherwise."""
    if not isinstance(node, Scalar):
        detail = f"The key wants {wanted}, and {describe(node)} stands here."
        reading.faults.add(kinds.WRONG_SHAPE, node, detail)
        return None
    if node.plain and is_null(node):
        reading.faults.add(kinds.BLANK, node, f"The key wants {wanted}, and nothing stands here.")
        return None
    return node


def _family_names(families: tuple[type, ...]) -> str:
    return " or ".join(family.__name__[:4] for family in families)


def shortened(text: str) -> str:
    """Return the text as it fits a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."
