"""Every folder here: a site with a fault, and the findings that it must give."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from orchestrator.checks.run import check_site
from orchestrator.errors import SpecError
from orchestrator.spec.load import load_site

CASES = Path(__file__).parent
BASE = CASES / "_base"
TODAY = date(2026, 11, 22)
FOLDERS = sorted(path for path in CASES.iterdir() if path.is_dir() and path.name[0] not in "_.")


def findings(directory: Path) -> list[str]:
    """Return what is found in a site, one line each, as in expected.txt."""
    try:
        diagnostics = check_site(load_site(directory).site, today=TODAY)
    except SpecError as error:
        diagnostics = error.diagnostics
    return [
        f"{each.code} {each.source.file}:{each.source.line}:{each.source.column}"
        for each in diagnostics
    ]


def test_base_site_has_no_fault() -> None:
    assert findings(BASE) == []


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_case_gives_its_findings_and_no_others(case: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(BASE, site)
    shutil.copytree(case, site, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    expected = (case / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert findings(site) == expected


def test_there_are_enough_cases() -> None:
    """A wrong path or a renamed folder would otherwise run none and pass."""
    assert len(FOLDERS) >= 40
