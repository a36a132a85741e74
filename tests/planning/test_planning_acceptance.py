"""What an acceptance test asks of a host, and how it judges the answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.model.acceptance import Acceptance, HostFacts, Load
from orchestrator.model.verdict import Verdict
from orchestrator.planning.acceptance import (
    burn_command,
    compare_counters,
    compare_facts,
    judge_burn,
    read_facts,
)
from tests.fakes.bmc_site import PROFILE

PRINTED = """\
container=
cpus=64
memory_kib=527000000
disk_bytes=960000000000
kernel_errors=3
memory_errors=0
loader=/usr/bin/stress-ng
"""
METAL = read_facts(PRINTED)
CONTAINER = replace(METAL, container="systemd-nspawn")


def test_what_the_host_prints_is_read() -> None:
    assert replace(METAL, disks_gib=894.0) == HostFacts(
        container="",
        cpus=64,
        memory_mib=514648,
        disks_gib=894.0,
        kernel_errors=3,
        memory_errors=0,
        loader=True,
    )


def test_what_the_host_does_not_print_is_unknown_and_not_zero() -> None:
    bare = read_facts("container=\ncpus=64\nmemory_kib=\nloader=\n")
    assert (bare.memory_mib, bare.disks_gib, bare.kernel_errors) == (None, None, None)
    verdicts = {one.fact: one.verdict for one in compare_facts(PROFILE, bare)}
    assert verdicts["memory GiB"] is Verdict.UNKNOWN
    assert {one.verdict for one in compare_counters(bare, bare)} == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("told", "failing"),
    [
        (METAL, []),
        (replace(METAL, cpus=32), ["cpu threads"]),
        (replace(METAL, memory_mib=384 * 1024), ["memory GiB"]),
        (replace(METAL, disks_gib=447.0), ["disk GiB"]),
    ],
)
def test_less_than_declared_fails_by_its_name(told, failing) -> None:
    facts = compare_facts(PROFILE, told)
    assert [one.fact for one in facts if one.verdict is Verdict.FAIL] == failing


def test_a_container_sees_its_machine_and_so_nothing_is_known() -> None:
    facts = (*compare_facts(PROFILE, CONTAINER), *compare_counters(CONTAINER, CONTAINER))
    assert {one.verdict for one in facts} == {Verdict.UNKNOWN}
    assert "systemd-nspawn" in facts[0].found


def test_the_load_takes_the_whole_machine_but_little_of_a_shared_one() -> None:
    assert burn_command(Load.MEMORY, 60, METAL) == (
        "stress-ng --vm 0 --vm-bytes 80% --vm-keep --verify --timeout 60s --quiet"
    )
    assert "--vm-bytes 64M" in burn_command(Load.MEMORY, 60, CONTAINER)
    assert "--cpu 1 " in burn_command(Load.CPU, 60, CONTAINER)


def test_a_wrong_result_fails_and_is_said() -> None:
    burnt = judge_burn(Load.CPU, 60, command="stress-ng", status=2)
    assert (burnt.verdict, burnt.detail) == (Verdict.FAIL, "it computed or stored something wrong")
    assert judge_burn(Load.CPU, 60, command="stress-ng", status=0).verdict is Verdict.PASS


def test_new_errors_fail_and_old_ones_do_not() -> None:
    assert {one.verdict for one in compare_counters(METAL, METAL)} == {Verdict.PASS}
    after = replace(METAL, memory_errors=1)
    found = {one.fact: (one.verdict, one.found) for one in compare_counters(METAL, after)}
    assert found["memory errors"] == (Verdict.FAIL, "1 new")
    assert found["kernel errors"] == (Verdict.PASS, "0 new")


def test_what_is_unknown_keeps_a_server_from_passing() -> None:
    good = judge_burn(Load.CPU, 1, command="x", status=0)
    report = Acceptance(
        site="s", server="a", serial="1", profile="p", begun="", ended="",
        facts=compare_facts(PROFILE, METAL), burns=(good,), counters=(),
    )  # fmt: skip
    assert report.verdict is Verdict.PASS
    unknown = replace(report, counters=compare_counters(CONTAINER, None))
    assert unknown.verdict is Verdict.UNKNOWN
    bad = judge_burn(Load.DISK, 1, command="x", status=2)
    assert replace(unknown, burns=(bad,)).verdict is Verdict.FAIL
