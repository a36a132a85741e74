"""Hostile files end soon, with one clear fault."""

import time

import pytest

from orchestrator.spec.faults import Faults
from orchestrator.spec.parse import MAX_ALIASED_VALUES, MAX_VALUES, parse


def codes(text: str) -> list[str]:
    faults = Faults("case.yaml")
    started = time.process_time()
    assert parse(text, faults) is None
    # Generous: without a bound these take minutes or all memory.
    assert time.process_time() - started < 30
    return [each.code for each in faults.diagnostics]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert codes("\n".join(lines)) == ["SY010"]


def test_many_aliases_to_one_large_value_are_refused() -> None:
    big = ", ".join(["x"] * 1000)
    assert codes(f"a: &a [{big}]\nb: [{', '.join(['*a'] * 11)}]\n") == ["SY010"]


def test_as_many_aliased_values_as_allowed_are_read() -> None:
    faults = Faults("case.yaml")
    text = f"a: &a x\nb: [{', '.join(['*a'] * MAX_ALIASED_VALUES)}]\n"
    assert parse(text, faults) is not None and not len(faults)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_million_levels_are_refused_at_the_fortieth(opening: str) -> None:
    assert codes(opening * 300_000) == ["SY009"]


def test_more_values_than_people_write_are_refused() -> None:
    assert codes("a: [" + "1," * MAX_VALUES + "]") == ["SY010"]


def test_an_alias_to_nothing_is_one_fault() -> None:
    assert codes("a: *b\n") == ["SY018"]


def test_a_complex_key_is_one_fault() -> None:
    assert codes("? [a, b]\n: c\n") == ["SY017"]
    assert codes("? {a: b}\n: c\n") == ["SY017"]
    assert codes("? \n: c\n") == ["SY017"]
