"""The playbooks' catalogue: ours is right, and faults of another come all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import SpecError
from orchestrator.spec.catalogue import load_catalogue
from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER

GOOD = """
playbooks:
  - name: system/do-this
    purpose: {zh: 做这个, en: Do this}
    disruptive: false
    window: false
    minutes: 5
    proof: Look.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "system").mkdir()
    (tmp_path / "roles" / "x").mkdir(parents=True)
    (tmp_path / "roles" / "x.yml").write_text("")
    (tmp_path / "system" / "do-this.yml").write_text("")
    (tmp_path / "catalogue.yaml").write_text(GOOD)
    return tmp_path


def faults(folder: Path) -> list[tuple[str, int]]:
    with pytest.raises(SpecError) as caught:
        load_catalogue(folder)
    return [(one.code, one.source.line) for one in caught.value.diagnostics]


def test_our_own_catalogue_has_every_playbook_and_no_other() -> None:
    files = {path.relative_to(PLAYBOOKS_FOLDER).as_posix() for area in PLAYBOOKS_FOLDER.iterdir()
             if area.is_dir() and area.name != "roles" for path in area.glob("*.yml")}  # fmt: skip
    assert {entry.file for entry in load_catalogue(PLAYBOOKS_FOLDER)} == files != set()


def test_a_good_catalogue_is_read(folder: Path) -> None:
    (entry,) = load_catalogue(folder)
    assert (entry.name, entry.file, entry.minutes) == ("system/do-this", "system/do-this.yml", 5)


def test_a_playbook_that_is_not_catalogued_is_a_fault(folder: Path) -> None:
    (folder / "system" / "do-more.yml").write_text("")
    assert faults(folder) == [("SY015", 1)]


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("system/do-this", "system/do-that", ["SY003", "SY015"]),
        ("system/do-this", "do-this", ["NM001", "SY015"]),
        ("    minutes: 5\n", "", ["SY021"]),
        ("minutes: 5", "minutes: five\n    disturbing: true", ["SY020", "SY023"]),
        ("playbooks:", "playbook:", ["SY020"]),
        ("minutes: 5", "minutes: 5\n    secrets: {password: hunter2}", ["SE001"]),
    ],
)
def test_faults_come_all_at_once(folder: Path, old: str, new: str, codes: list[str]) -> None:
    file = folder / "catalogue.yaml"
    file.write_text(GOOD.replace(old, new))
    assert sorted(code for code, _ in faults(folder)) == codes


def test_the_same_playbook_twice_is_a_fault(folder: Path) -> None:
    file = folder / "catalogue.yaml"
    file.write_text(GOOD + GOOD.split("playbooks:\n")[1])
    assert [line for _, line in faults(folder)] == [9]


def test_a_folder_without_a_catalogue_is_a_fault(tmp_path: Path) -> None:
    assert len(faults(tmp_path)) == 1
