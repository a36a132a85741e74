"""A rollout over servers that are written, fail, stay silent, or were left by a killed run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from orchestrator.model.deploy import DeployOutcome, DeployReport
from orchestrator.model.host import Ran
from orchestrator.model.site import Site
from orchestrator.spec.load import load_site
from orchestrator.workflows.deploy import Deployment, Limits, Wish, look
from tests.fakes.hosts_site import IMAGE, SHA, FakeMetal, metal

BASE = Path(__file__).parents[1] / "cases" / "_base"
NAMES = ("cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2")
ONE_BY_ONE = Limits(parallel=1, budget=1, write_seconds=60, answer_seconds=60)


@pytest.fixture(scope="module")
def site() -> Site:
    site = load_site(BASE).site
    servers = tuple(
        replace(server, address=ip_address(f"10.9.0.{111 + number}"))
        for number, server in enumerate(site.hardware.servers)
    )
    return replace(site, hardware=replace(site.hardware, servers=servers))


def deploy(site: Site, world: FakeMetal, limits: Limits = ONE_BY_ONE) -> DeployReport:
    wish = Wish(site=site, servers=site.hardware.servers)
    ports = world.ports()
    plan = look(wish, ports)
    return Deployment(wish=wish, plan=plan, ports=ports, limits=limits).run(lambda result: None)


def outcomes(report: DeployReport) -> dict[str, DeployOutcome]:
    return {one.server: one.outcome for one in report.results}


def test_every_server_is_written_and_says_who_it_is(site: Site) -> None:
    world = metal(*NAMES)
    report = deploy(site, world, replace(ONE_BY_ONE, parallel=3))
    assert set(outcomes(report).values()) == {DeployOutcome.DONE}
    assert sorted(world.begun) == sorted(NAMES)
    assert world.records["sto-2"] == {"name": "debian-12", "sha256": SHA}
    assert sorted(world.forgotten) == sorted(NAMES)


def test_a_second_run_has_nothing_to_do(site: Site) -> None:
    world = metal(*NAMES)
    deploy(site, world)
    world.begun.clear()
    assert set(outcomes(deploy(site, world)).values()) == {DeployOutcome.AS_DECLARED}
    assert world.begun == []


def test_what_was_uploaded_to_glance_again_is_no_reason_to_write_a_server(site: Site) -> None:
    world = metal(*NAMES)
    world.is_active(*NAMES)
    world.images = (replace(IMAGE, id="glance-2"),)
    assert set(outcomes(deploy(site, world)).values()) == {DeployOutcome.AS_DECLARED}
    assert world.begun == []


def test_the_host_of_a_tenant_is_not_spoken_to(site: Site) -> None:
    world = metal(*NAMES)
    world.is_active(*NAMES)
    world.nodes["cmp-01"] = replace(world.nodes["cmp-01"], instance="vm-7")
    asked: list[str] = []
    world.answers = lambda server, command: (
        asked.append(server.name) or Ran(status=0, out="?", err="")
    )
    look(Wish(site=site, servers=site.hardware.servers), world.ports())
    assert sorted(asked) == sorted(set(NAMES) - {"cmp-01"})


def test_after_the_budget_the_rest_is_not_started_and_its_state_is_said(site: Site) -> None:
    world = metal(*NAMES)
    world.broken = {"cmp-02"}
    report = deploy(site, world)
    assert list(outcomes(report).values()) == [
        DeployOutcome.DONE,
        DeployOutcome.FAILED,
        *[DeployOutcome.NOT_STARTED] * 3,
    ]
    failed, left = report.results[1], report.results[2]
    assert failed.state == "Ironic has it as deploy failed: no boot device"
    assert left.state == "as before: available"
    assert world.begun == ["cmp-01", "cmp-02"]


def test_a_host_that_never_answers_is_a_failure_with_a_bounded_wait(site: Site) -> None:
    world = metal(*NAMES)
    world.silent = {"cmp-01"}
    before = world.clock.time
    report = deploy(site, world)
    assert outcomes(report)["cmp-01"] is DeployOutcome.FAILED
    assert "active, but after" in report.results[0].state
    assert (world.clock.time - before).total_seconds() < 2 * ONE_BY_ONE.answer_seconds


def test_a_host_that_boots_may_refuse_the_login_for_a_while(site: Site) -> None:
    world = metal(*NAMES)
    world.lets_in["cmp-01"] = world.clock.time + timedelta(seconds=30)
    assert outcomes(deploy(site, world))["cmp-01"] is DeployOutcome.DONE


def test_a_login_that_stays_refused_is_told_before_the_hosts_whole_time_is_over(site: Site) -> None:
    world = metal(*NAMES)
    begun = world.clock.time
    world.lets_in["cmp-01"] = begun + timedelta(hours=3)
    report = deploy(site, world, replace(ONE_BY_ONE, answer_seconds=7200))
    assert outcomes(report)["cmp-01"] is DeployOutcome.FAILED
    assert "refuses the login" in report.results[0].state
    assert world.clock.time - begun < timedelta(minutes=3)


def test_a_larger_budget_goes_on_after_a_failure(site: Site) -> None:
    world = metal(*NAMES)
    world.broken = {"cmp-01", "sto-1"}
    report = deploy(site, world, replace(ONE_BY_ONE, budget=2))
    assert outcomes(report)["cmp-03"] is DeployOutcome.DONE
    assert outcomes(report)["sto-2"] is DeployOutcome.NOT_STARTED


def test_what_a_killed_run_began_is_finished_and_not_written_twice(site: Site) -> None:
    world = metal(*NAMES)
    world.is_active("cmp-01")
    deploying = replace(world.nodes["cmp-02"], state="deploying", image=IMAGE.id)
    world.nodes["cmp-02"] = deploying
    record = '{"path": "/r", "content": "{\\"name\\": \\"debian-12\\", \\"sha256\\": \\"%s\\"}"}'
    drive = '#cloud-config\n{"write_files": [' + record % SHA + "]}"
    world.drives["cmp-02"] = {"user_data": drive}
    report = deploy(site, world)
    assert outcomes(report)["cmp-01"] is DeployOutcome.AS_DECLARED
    assert outcomes(report)["cmp-02"] is DeployOutcome.DONE
    assert world.begun == ["cmp-03", "sto-1", "sto-2"]


def test_a_host_with_another_system_fails_though_ironic_is_content(site: Site) -> None:
    world = metal(*NAMES)
    world.release = 'ID="kylin"\nVERSION_ID="V10"\n'
    failed = deploy(site, world).results[0]
    assert failed.outcome is DeployOutcome.FAILED
    assert "os is kylin, not debian" in failed.state


def test_a_stopped_rollout_finishes_what_runs_and_says_what_was_not_started(site: Site) -> None:
    world = metal(*NAMES)
    wish, ports = Wish(site=site, servers=site.hardware.servers), world.ports()
    deployment = Deployment(wish=wish, plan=look(wish, ports), ports=ports, limits=ONE_BY_ONE)
    report = deployment.run(lambda result: deployment.stop())
    assert report.interrupted
    assert list(outcomes(report).values()) == [
        DeployOutcome.DONE,
        *[DeployOutcome.NOT_STARTED] * 4,
    ]


def test_each_act_is_in_the_audit_log_before_it_is_done(site: Site) -> None:
    world = metal(*NAMES)
    deploy(site, world)
    acts = [(one["act"], one["facts"]["server"]) for one in world.audit.entries]  # type: ignore[index,call-overload] # JSON
    assert acts[:2] == [("deploy-begin", "cmp-01"), ("deploy-end", "cmp-01")]
    assert len(acts) == 2 * len(NAMES)
