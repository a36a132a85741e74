"""Single values: what is read, and what YAML readers would disagree on."""

import json
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
import yaml
from annotated_types import Ge, Gt, Interval
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model.network import PrefixRole
from orchestrator.spec.faults import Faults
from orchestrator.spec.nodes import Scalar
from orchestrator.spec.numbers import integer_reader, number_reader
from orchestrator.spec.parse import parse
from orchestrator.spec.values import (
    BAD,
    Reader,
    Reading,
    address_reader,
    choice_reader,
    prefix_reader,
    read_bool,
    read_date,
    read_mac,
    read_name,
    read_text,
)


def read(reader: Reader, text: str, *, plain: bool = True, expanded: bool = False) -> object:
    """Return the value, or the code of the fault."""
    reading = Reading(Faults("case.yaml"))
    value = reader(Scalar(1, 1, text, plain, expanded), reading)
    if value is BAD:
        [fault] = reading.faults.diagnostics
        return fault.code
    assert not len(reading.faults)
    return value


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
)
def test_a_text_that_pyyaml_takes_for_something_else_needs_quotes(text: str) -> None:
    """The real parser is the judge: whatever it resolves to a non-text must be refused."""
    try:
        loaded = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError, OverflowError):
        return
    if loaded == [None] or not isinstance(loaded, list) or len(loaded) != 1:
        return
    node = parse(f"[{text}]", Faults("case.yaml"))
    scalar = node.items[0] if node is not None and hasattr(node, "items") else None
    if not isinstance(scalar, Scalar) or not scalar.plain:
        return
    if not isinstance(loaded[0], str):
        assert read(read_text, scalar.text) == "SY026"


@given(st.text(min_size=1, max_size=20))
def test_a_quoted_text_is_always_itself(text: str) -> None:
    if text.strip():
        assert read(read_text, text, plain=False) == text


@pytest.mark.parametrize(
    "text",
    ["no", "NO", "on", "Off", "y", "012", "0o14", "1:30", "22:00", "12", "1_000", "1.5", "1e3",
     ".5", "0x1f", "0b11", ".inf", ".NaN", "2026-01-01", "2026-1-1T00:00:00", "-7", "+3", "1.",
     "190:20:30.15"],
)  # fmt: skip
def test_surprises_need_quotes(text: str) -> None:
    assert read(read_text, text) == "SY026"
    assert read(read_text, text, plain=False) == text


@pytest.mark.parametrize(
    "text",
    ["north", "1a", "10.0.0.1", "V1.2.3", "a:b", "12-a", "nope", "0c:42:a1:00:00:1f", "1.2.3"],
)
def test_ordinary_texts_need_none(text: str) -> None:
    assert read(read_text, text) == text


def test_nothing_and_blanks_are_no_text() -> None:
    for text in ("", "~", "null"):
        assert read(read_text, text) == "SY027"
    assert read(read_text, "  ", plain=False) == "SY027"


@given(st.integers(-(10**15), 10**15))
def test_every_plain_integer_is_read(number: int) -> None:
    assert read(integer_reader(), str(number)) == number
    assert read(integer_reader(), str(number), plain=False) == "SY023"


def test_integers_keep_their_bounds() -> None:
    vlan = integer_reader(Interval(ge=1, le=4094))
    assert [read(vlan, text) for text in ("0", "1", "4094", "4095")] == ["SY024", 1, 4094, "SY024"]
    assert [read(integer_reader(Gt(0)), text) for text in ("0", "1")] == ["SY024", 1]
    assert [read(integer_reader(Ge(0)), text) for text in ("-1", "0")] == ["SY024", 0]
    assert [read(number_reader(Gt(0)), text) for text in ("0", "0.1", "-0.5")] == [
        "SY024",
        0.1,
        "SY024",
    ]


@pytest.mark.parametrize("text", ["012", "1.0", "1e3", "one", "0x10", "1_000", "9" * 5000, "+1"])
def test_what_is_no_plain_integer_is_refused(text: str) -> None:
    assert read(integer_reader(), text) == "SY023"


def test_a_value_out_of_a_range_may_be_padded() -> None:
    assert read(integer_reader(), "012", expanded=True) == 12
    assert read(read_text, "012", expanded=True) == "012"


def test_numbers() -> None:
    assert [read(number_reader(), text) for text in ("3", "3.25", "-1.5")] == [3.0, 3.25, -1.5]
    assert [read(number_reader(), text) for text in ("nan", ".inf", "1,5", "03")] == ["SY023"] * 4


def test_only_true_and_false_are_truth_values() -> None:
    assert (read(read_bool, "true"), read(read_bool, "false")) == (True, False)
    for text in ("yes", "True", "on", "1"):
        assert read(read_bool, text) == "SY023"
    assert read(read_bool, "true", plain=False) == "SY023"


def test_dates() -> None:
    assert read(read_date, "2027-06-30") == date(2027, 6, 30)
    for text in ("2027-02-30", "20270630", "2027-6-30", "2027-W01-1", "tomorrow"):
        assert read(read_date, text) == "SY023"


@pytest.mark.parametrize(
    "text", ["0C:42:A1:00:00:1F", "0c-42-a1-00-00-1f", "0c42.a100.001f", "0c42a100001f"]
)
def test_every_spelling_of_a_mac_address_becomes_one(text: str) -> None:
    assert read(read_mac, text) == "0c:42:a1:00:00:1f"


@pytest.mark.parametrize(
    "text", ["0c:42:a1:00:00", "0c:42:a1:00:00:1g", "0c:42:a1:00:00:1f:00", "x"]
)
def test_other_lengths_and_letters_are_no_mac_address(text: str) -> None:
    assert read(read_mac, text) == "SY029"


@pytest.mark.parametrize("text", ["a", "cmp-01", "debian-12.5", "0a", "a" * 63])
def test_names(text: str) -> None:
    assert read(read_name, text) == text


@pytest.mark.parametrize(
    "text", ["A", "a_b", "-a", "a-", ".a", "a" * 64, "甲", "a b", "a/b", "a\n"]
)
def test_what_is_no_name(text: str) -> None:
    assert read(read_name, text, plain=False) == "NM001"


def test_choices() -> None:
    role = choice_reader(PrefixRole)
    assert read(role, "out-of-band") is PrefixRole.OUT_OF_BAND
    assert read(role, "Tenant") == "SY025"


def test_addresses_and_prefixes() -> None:
    address = address_reader(IPv4Address, IPv6Address)
    prefix = prefix_reader(IPv4Network, IPv6Network)
    for text in ("10.0.0.1", "2001:db8::1"):
        assert read(address, text) == ip_address(text)
    for text in ("10.0.0.0/8", "2001:db8::/32", "10.0.0.1/32"):
        assert read(prefix, text) == ip_network(text)
    for text in ("10.0.0.256", "10.0.0.0/8", "010.0.0.1", "host"):
        assert read(address, text) == "SY023"
    for text in ("10.0.0.0", "10.0.0.0/33", "10.0.0/8", "net"):
        assert read(prefix, text) == "SY023"
    assert read(prefix, "10.0.0.1/8") == "SY028"
    assert read(prefix_reader(IPv4Network), "2001:db8::/32") == "SY023"
    assert read(address_reader(IPv4Address), "2001:db8::1") == "SY023"


def test_long_values_are_shortened_in_messages() -> None:
    reading = Reading(Faults("case.yaml"))
    read_name(Scalar(1, 1, "X" * 5000, plain=True), reading)
    assert len(json.dumps(reading.faults.diagnostics[0].detail)) < 120
