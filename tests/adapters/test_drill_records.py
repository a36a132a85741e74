"""Records of drills in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.adapters.drill_records import FolderDrillRecords
from orchestrator.errors import SignatureError

NAME = "gongan/population/20261122T030000Z"


def test_a_record_is_kept_with_its_page_and_read_by_name_or_path(tmp_path: Path) -> None:
    records = FolderDrillRecords(tmp_path / "drills")
    assert records.names() == ()
    place = records.write(NAME, signed={"report": {"站": 1}}, page="<p>")
    assert Path(place).with_suffix(".html").read_text() == "<p>"
    assert records.read(NAME) == records.read(place) == {"report": {"站": 1}}


def test_names_are_in_the_order_of_time(tmp_path: Path) -> None:
    records = FolderDrillRecords(tmp_path)
    for name in (f"{NAME[:-2]}5Z", NAME, "fagai/credit/20270101T000000Z"):
        records.write(name, signed={}, page="")
    assert records.names() == ("fagai/credit/20270101T000000Z", NAME, f"{NAME[:-2]}5Z")


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_what_is_no_record_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "some.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SignatureError):
        FolderDrillRecords(tmp_path / "drills").read(str(file))
