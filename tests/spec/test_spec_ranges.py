"""Ranges: what they stand for, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.spec.faults import Faults
from orchestrator.spec.nodes import Mapping, Scalar, Sequence
from orchestrator.spec.parse import parse
from orchestrator.spec.ranges import MAX_RANGE, RangeError, expand, parse_range, parse_template


def values(text: str) -> list[str]:
    found = parse_range(text)
    return [found[index] for index in range(len(found))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1..4", ["1", "2", "3", "4"]),
        ("01..03", ["01", "02", "03"]),
        ("8..11", ["8", "9", "10", "11"]),
        ("2..8..2", ["2", "4", "6", "8"]),
        ("1..6..2", ["1", "3", "5"]),
        ("x0e..x11", ["0e", "0f", "10", "11"]),
        ("xe..x11", ["e", "f", "10", "11"]),
        ("7..7", ["7"]),
        ("0..2", ["0", "1", "2"]),
        ("0..10..10", ["0", "10"]),
    ],
)
def test_a_range_counts_as_written(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@given(st.integers(0, 5000), st.integers(0, 3000), st.integers(1, 50), st.booleans(), st.booleans())
def test_a_range_is_pythons_range_written_out(
    first: int, length: int, step: int, hexadecimal: bool, padded: bool
) -> None:
    last = first + length
    width = len(f"{last:x}" if hexadecimal else str(last)) + 1 if padded else 1
    kind, mark = ("x", "x") if hexadecimal else ("d", "")
    text = f"{mark}{first:0{width}{kind}}..{mark}{last:0{width}{kind}}..{step}"
    assert values(text) == [f"{n:0{width}{kind}}" for n in range(first, last + 1, step)]


@pytest.mark.parametrize(
    "text",
    ["", "1", "..", "1..", "a..c", "3..1", "01..3", "1..03", "x1..3", "1..x3", "1..3..0",
     "1..3..-1", "-1..3", "1...3", "xg..xh", "1..3..2..2", "1..3..x2", "1 .. 3"],
)  # fmt: skip
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(RangeError) as caught:
        parse_range(text)
    assert not caught.value.too_long


def test_the_longest_range_is_allowed_and_one_more_is_not() -> None:
    assert len(parse_range(f"1..{MAX_RANGE}")) == MAX_RANGE
    assert len(parse_range(f"0..{MAX_RANGE * 3 - 1}..3")) == MAX_RANGE
    for text in (f"0..{MAX_RANGE}", f"0..{MAX_RANGE * 3}..3", f"1..{'9' * 400}"):
        with pytest.raises(RangeError) as caught:
            parse_range(text)
        assert caught.value.too_long


def test_braces_without_dots_are_plain_text() -> None:
    for text in ("room {A}", "a..b", "{}", "}1..2{", "secret://x"):
        assert parse_template(text) is None


def entry(text: str) -> Mapping:
    faults = Faults("case.yaml")
    node = parse(text, faults)
    assert isinstance(node, Mapping) and not len(faults)
    return node


def plain(node: object) -> object:
    match node:
        case Mapping():
            return {key.text: plain(value) for key, value in node.pairs}
        case Sequence():
            return [plain(item) for item in node.items]
        case Scalar():
            return node.text


def test_every_range_of_an_entry_gives_one_value_to_each_instance() -> None:
    node = entry(
        'name: n{1..2}\nbmc: {address: "10.{5..6}.0.{8..9}"}\nnics: [{mac: "{xff..x100}"}, {k: v}]'
    )
    faults = Faults("case.yaml")
    assert [plain(each) for each in expand(node, faults, named=True)] == [
        {"name": "n1", "bmc": {"address": "10.5.0.8"}, "nics": [{"mac": "ff"}, {"k": "v"}]},
        {"name": "n2", "bmc": {"address": "10.6.0.9"}, "nics": [{"mac": "100"}, {"k": "v"}]},
    ]
    assert not len(faults)


@given(st.integers(1, 40), st.integers(1, 40))
def test_ranges_of_different_length_are_a_fault_at_the_second(one: int, other: int) -> None:
    node = entry(f'name: n{{1..{one}}}\nport: "{{1..{other}}}"')
    faults = Faults("case.yaml")
    instances = expand(node, faults, named=True)
    if one == other:
        assert len(instances) == one and not len(faults)
    else:
        assert instances == []
        [fault] = faults.diagnostics
        assert (fault.code, fault.source.line, fault.source.column) == ("RG002", 2, 7)
        assert str(one) in fault.detail and str(other) in fault.detail


def test_an_entry_without_names_counts_by_its_first_range() -> None:
    node = entry('prefix: "10.{1..3}.0.0/16"\nvlan: v{1..3}')
    found = expand(node, Faults("case.yaml"), named=False)
    assert [plain(each)["vlan"] for each in found] == ["v1", "v2", "v3"]


def test_an_entry_without_ranges_is_itself() -> None:
    node = entry("name: one")
    assert expand(node, Faults("case.yaml"), named=True) == [node]


def test_two_ranges_in_the_name_must_agree() -> None:
    faults = Faults("case.yaml")
    assert expand(entry("name: n{1..2}-{1..3}"), faults, named=True) == []
    assert [each.code for each in faults.diagnostics] == ["RG002"]
