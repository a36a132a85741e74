"""The site that the how-to builds has no fault, after each of its files."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from orchestrator.checks.run import check_site
from orchestrator.spec.load import load_site

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "site-directory.md"
TODAY = date(2026, 11, 22)

_FILE = re.compile(r"^`inventory/smallcity/(\w+\.yaml)`.*?\n\n```yaml\n(.*?)^```", re.M | re.S)


def test_the_first_site_has_no_fault(tmp_path: Path) -> None:
    files = dict(_FILE.findall(PAGE.read_text(encoding="utf-8")))
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    site = load_site(tmp_path).site

    assert check_site(site, today=TODAY) == ()
    assert len(files) == 6 and len(site.hardware.servers) == 5


def test_what_it_removes_in_the_end_may_be_removed(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    files = dict(_FILE.findall(page))
    removed = page.partition("# at the end of site.yaml\n")[2].partition("```")[0]
    del files["tenancy.yaml"]
    for name, text in files.items():
        added = removed if name == "site.yaml" else ""
        (tmp_path / name).write_text(text + added, encoding="utf-8")
    site = load_site(tmp_path).site
    assert [entry.thing for entry in site.removed] == ["project/industry/enterprise"]
    assert check_site(site, today=TODAY) == ()
