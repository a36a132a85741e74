"""Every code is explained, used by a case, and given once."""

import re
from pathlib import Path

import pytest

from orchestrator.checks import (
    addressing,
    flows,
    hardware,
    images,
    network,
    power,
    room,
    run,
    site,
    system,
    tenancy,
    trunks,
)
from orchestrator.checks.rule import Check
from orchestrator.spec.kinds import FAULT_KINDS
from tests.checks.reference_page import GROUPS, PAGE, render

MODULES = (site, room, power, network, addressing, flows, trunks, hardware, system, images, tenancy)
CASES = Path(__file__).parents[1] / "cases"

ONLY_IN_OTHER_TESTS = {
    "SY001", "SY002", "SY003", "SY004",  # directories and files: tests/spec/test_spec_files.py
    "SY017",  # tests/spec/test_spec_bounds.py
}  # fmt: skip


def test_the_reference_page_is_current() -> None:
    """Write it again by `python -m tests.checks.reference_page` where this fails."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_codes_have_their_form_and_are_given_once() -> None:
    codes = [each.code for each in (*FAULT_KINDS, *run.CHECKS)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[A-Z]{2}[0-9]{3}", code) and code[:2] in GROUPS for code in codes)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_check_of_a_module_runs(module: object) -> None:
    defined = [each for each in vars(module).values() if isinstance(each, Check)]
    assert list(module.CHECKS) == defined
    assert set(defined) <= set(run.CHECKS)


def test_every_check_says_what_why_and_what_to_do() -> None:
    for check in run.CHECKS:
        assert check.summary and check.remedy.endswith(".") and not check.summary.endswith(".")
        assert check.why.splitlines()[0].endswith((".", "."))


def test_every_code_has_a_case() -> None:
    shown = {
        line.split()[0]
        for path in CASES.glob("*/expected.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    codes = {each.code for each in (*FAULT_KINDS, *run.CHECKS)}
    assert codes - shown == ONLY_IN_OTHER_TESTS
    assert shown <= codes
