"""Real packets through the compiled ruleset, in network namespaces that the test makes itself."""

from __future__ import annotations

import re
import subprocess

import pytest

from orchestrator.compile.nftables import nft_ruleset
from orchestrator.errors import LabError
from orchestrator.lab.zone_firewall import (
    NAMESPACES,
    PREFIX,
    missing,
    running_firewall,
    try_packets,
)
from orchestrator.verify.judge import Fault
from orchestrator.verify.probes import ProbeHost, probe_hosts, probes
from tests.compile.small_city import TODAY, golden_site

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(missing()), reason=f"packets cannot be tried: {missing()}"),
]
SITE = golden_site("small-city")
RULES = nft_ruleset(SITE, "city", today=TODAY)


def left_over() -> list[str]:
    return [path.name for path in NAMESPACES.glob(f"{PREFIX}-*")] if NAMESPACES.is_dir() else []


def test_the_sample_has_both_families_and_both_answers() -> None:
    everything, wanted = probes(
        SITE, "city", hosts=probe_hosts(SITE, "city", today=TODAY), today=TODAY
    )
    for version in (4, 6):
        assert {probe in wanted for probe in everything if probe.version == version} == {
            True,
            False,
        }


def test_kernel_and_packets_agree_with_the_flows() -> None:
    loaded, packets = try_packets(SITE, "city", ruleset=RULES, today=TODAY)
    assert loaded.differences == () and packets.differences == ()
    assert packets.compared > 50
    assert left_over() == []


def test_a_hole_in_the_ruleset_is_found_in_the_kernel_and_by_packets() -> None:
    hole = "ip daddr 10.4.0.0/16 counter accept"
    text = RULES.replace("\t\tcounter drop", f"\t\t{hole}\n\t\tcounter drop")
    loaded, packets = try_packets(SITE, "city", ruleset=text, today=TODAY)
    for verdict in (loaded, packets):
        assert {(d.fault, d.to) for d in verdict.differences} == {
            (Fault.UNDECLARED, "zone/base-db")
        }


def test_a_missing_rule_is_found_in_the_kernel_and_by_packets() -> None:
    text = re.sub(r"\t\tip6 saddr != @inside6 .*\n", "", RULES)
    assert text != RULES
    loaded, packets = try_packets(SITE, "city", ruleset=text, today=TODAY)
    for verdict in (loaded, packets):
        assert {(d.fault, d.family, d.from_) for d in verdict.differences} == {
            (Fault.CLOSED, "IPv6", "internet")
        }


def test_everything_is_taken_down_after_a_failure() -> None:
    hosts = (ProbeHost(0, "zone/access", ((4, 10 << 24 | 9),)),)
    with pytest.raises(LabError, match="nft"), running_firewall("this is no ruleset", hosts):
        pytest.fail("a wrong ruleset was loaded")
    assert left_over() == []
    with pytest.raises(ZeroDivisionError), running_firewall(RULES, hosts):
        assert left_over()
        _ = 1 / 0
    assert left_over() == []


def test_what_a_killed_run_left_is_deleted_by_the_next() -> None:
    died = subprocess.Popen(["/bin/true"])
    died.wait(timeout=10)
    left = f"{PREFIX}-{died.pid}-0"
    subprocess.run(["ip", "netns", "add", left], check=True, timeout=10)
    with running_firewall(RULES, ()):
        assert not (NAMESPACES / left).exists()
