from __future__ import annotations

import pytest
from rich.cells import cell_len

from orchestrator.cli.render.values import VALUE_CELLS, change_lines, value_text
from orchestrator.model.stack import AttributeChange
from orchestrator.ports.provider import UNKNOWN


def changed(was: object, becomes: object, *, secret: bool = False, new: bool = False) -> list[str]:
    return list(
        change_lines(AttributeChange(path="a", old=was, new=becomes, secret=secret), new=new)
    )


def test_a_secret_attribute_shows_no_value_even_if_one_is_carried() -> None:
    assert changed("old-canary", "new-canary", secret=True) == ["a: (secret)"]


def test_a_new_resource_shows_values_without_a_comparison() -> None:
    assert changed(None, {"x": 1}, new=True) == ['a: {"x": 1}']


def test_a_mapping_shows_only_the_keys_that_differ() -> None:
    assert changed({"x": 1, "y": 2, "z": {"k": 1}}, {"x": 1, "y": 3, "z": {"k": 2}}) == [
        "a.y: 2 -> 3",
        "a.z.k: 1 -> 2",
    ]


def test_a_key_that_appears_or_goes_is_shown_against_none() -> None:
    assert changed({"x": 1}, {"y": 2}) == ["a.x: 1 -> (none)", "a.y: (none) -> 2"]


def test_a_short_list_is_shown_whole_and_a_long_one_by_what_differs() -> None:
    assert changed([1, 2], [1, 3]) == ["a: [1, 2] -> [1, 3]"]
    old = [f"10.0.{number}.0/24" for number in range(20)]
    assert changed(old, [*old[1:], "10.9.0.0/24"]) == [
        "a[-]: 10.0.0.0/24 -> (none)",
        "a[+]: (none) -> 10.9.0.0/24",
    ]


def test_a_long_list_in_another_order_is_not_shown_as_no_difference() -> None:
    old = [f"10.0.{number}.0/24" for number in range(20)]
    assert len(changed(old, old[::-1])) == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none)"),
        (True, "true"),
        (0, "0"),
        ("", '""'),
        ("plain text", "plain text"),
        (" padded", '" padded"'),
        ("two\nlines", '"two\\nlines"'),
        ("(secret)", '"(secret)"'),
        ("工信局", "工信局"),
        (UNKNOWN, "(known after apply)"),
        ({"id": UNKNOWN}, '{"id": (known after apply)}'),
    ],
)
def test_values_read_as_what_they_are(value: object, shown: str) -> None:
    assert value_text(value) == shown


def test_a_long_value_is_cut_by_cells_and_shown_whole_on_demand() -> None:
    text = "扬州" * 40
    cut = value_text(text)
    assert cut.endswith("…")
    assert cell_len(cut) <= VALUE_CELLS
    assert value_text(text, whole=True) == text
