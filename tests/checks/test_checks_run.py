"""How findings come out: ordered, gathered per line, with suggestions; and large sites."""

import shutil
from datetime import date
from pathlib import Path

from orchestrator.checks.run import CHECKS, check_site
from orchestrator.model.diagnostic import Diagnostic, Severity
from orchestrator.spec.load import load_site
from tests.generate_site import generate

BASE = Path(__file__).parents[1] / "cases" / "_base"
TODAY = date(2026, 11, 22)


def check_changed(tmp_path: Path, file: str, *changes: tuple[str, str]) -> tuple[Diagnostic, ...]:
    site = tmp_path / "site"
    shutil.copytree(BASE, site)
    text = (site / file).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (site / file).write_text(text, encoding="utf-8")
    return check_site(load_site(site).site, today=TODAY)


def test_findings_of_one_entry_with_a_range_are_one(tmp_path: Path) -> None:
    everything = check_changed(tmp_path, "hardware.yaml", ("rack: r2", "rack: r3"))
    [found] = [each for each in everything if each.code == "HW002"]
    assert found.detail == "No rack is called `r3`. And 1 more from this line."


def test_an_unresolved_name_comes_with_the_nearest(tmp_path: Path) -> None:
    found = check_changed(tmp_path, "tenancy.yaml", ("zone: egov-pub", "zone: egov-pbu"))
    [unresolved] = [each for each in found if each.code == "TN002"]
    assert unresolved.remedy.endswith("Did you mean `egov-pub`?")


def test_findings_are_ordered_by_file_and_line(tmp_path: Path) -> None:
    found = check_changed(
        tmp_path,
        "network.yaml",
        ("address: 10.9.0.52", "address: 10.9.0.51"),
        ("expires: 2027-06-30", "expires: 2026-01-01"),
    )
    places = [(each.source.file, each.source.line) for each in found]
    assert places == sorted(places) and len(places) == 4


def test_warnings_are_marked_as_such(tmp_path: Path) -> None:
    found = check_changed(tmp_path, "network.yaml", ("expires: 2027-06-30", "expires: 2026-01-01"))
    assert {each.severity for each in found} == {Severity.WARNING}


def test_a_fixed_summary_per_code(tmp_path: Path) -> None:
    found = check_changed(tmp_path, "tenancy.yaml", ("cores: 40", "cores: 4000"))
    [quota] = found
    assert quota.summary == next(each.summary for each in CHECKS if each.code == "TN003")
    assert "4,000" in quota.detail and "4,000" not in quota.summary


def test_a_generated_site_is_sound(tmp_path: Path) -> None:
    generate(tmp_path, racks=60, servers_per_rack=20, tenants=120)
    loaded = load_site(tmp_path)
    assert len(loaded.site.hardware.servers) == 1200
    assert check_site(loaded.site, today=TODAY) == ()


def test_thousands_of_unresolved_names_do_not_take_for_ever(tmp_path: Path) -> None:
    generate(tmp_path, racks=60, servers_per_rack=20, tenants=600)
    for file in ("network.yaml", "tenancy.yaml"):
        path = tmp_path / file
        path.write_text(path.read_text("utf-8").replace("main", "mian", 1), "utf-8")
    path = tmp_path / "network.yaml"
    path.write_text(
        path.read_text("utf-8").replace("owner: tenant-", "owner: department-"), "utf-8"
    )
    found = check_site(load_site(tmp_path).site, today=TODAY)
    owners = [each for each in found if each.code == "NW021"]
    assert len(owners) == 600
    assert sum("Did you mean" in each.remedy for each in owners) <= 100
