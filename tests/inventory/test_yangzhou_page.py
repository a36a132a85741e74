"""The page about the city says what the city says."""

from __future__ import annotations

from yangzhou_tables import BLOCK, PAGE, TABLES, page_as_it_should_be


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page_as_it_should_be(text), (
        "run `python tests/inventory/yangzhou_tables.py` and read what it changed"
    )


def test_every_table_is_on_the_page_once() -> None:
    found = [block[1] for block in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(TABLES)
