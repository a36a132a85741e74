"""A switch either ends with one primary that has everything, or changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.errors import ServiceError
from orchestrator.model.service_plan import SwitchPlan, SwitchReport
from orchestrator.model.service_state import ClusterRole, LetStart, Term
from orchestrator.model.site import Site
from orchestrator.planning.service_switch import plan_switchover
from orchestrator.workflows.playbook import PlaybookPorts
from orchestrator.workflows.service_switch import switch
from orchestrator.workflows.services import ServicePorts, look
from tests.fakes.bmc_site import SecretsInMemory
from tests.fakes.memory_playbooks import MemoryPlaybooks
from tests.fakes.service_site import (
    PRIMARY,
    REPLICA,
    STOPPED,
    FakeDatabases,
    population,
    service_site,
)
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

VOTERS = ("db-1", "db-2", "dr-db-1", "dr-bak-1")


class NoAuthority:
    def certificate(self) -> str:
        raise NotImplementedError

    def sign(self, request: str, *, server: object) -> str:
        raise NotImplementedError


def ports(databases: FakeDatabases) -> ServicePorts:
    playbooks = PlaybookPorts(
        playbooks=MemoryPlaybooks(),
        secrets=SecretsInMemory({}),
        lock=FakeLock(),
        audit=FakeAudit(),
        clock=FakeClock(),
        places={},
    )
    return ServicePorts(playbooks=playbooks, databases=databases, authority=NoAuthority())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return service_site(tmp_path_factory.mktemp("city"))


def three() -> FakeDatabases:
    return FakeDatabases({"db-1": PRIMARY, "db-2": REPLICA, "dr-db-1": REPLICA})


def run(site: Site, databases: FakeDatabases) -> SwitchReport:
    declared = population(site)
    plan = plan_switchover(site, declared, look(site, [declared], databases))
    assert isinstance(plan, SwitchPlan), plan
    return switch(site, plan, ports(databases), told=lambda line: None)


def test_the_old_primary_follows_the_new_one(site: Site) -> None:
    databases = three()
    report = run(site, databases)
    assert databases.acts == ["stop db-1", "promote db-2", "follow db-1", "follow dr-db-1"]
    assert report.failed == () and report.gap_seconds is not None
    assert databases.clusters["db-1"].upstream == "10.9.2.32"
    again = run(site, databases)
    assert again.plan.new.name == "db-1", "a second switchover goes back"


def test_a_replica_that_does_not_get_everything_is_not_promoted(site: Site) -> None:
    databases = three()
    databases.deaf = {"db-2"}
    with pytest.raises(ServiceError, match="did not get all that db-1 had"):
        run(site, databases)
    assert databases.acts == ["stop db-1", "start db-1"]
    assert databases.clusters["db-1"].role is ClusterRole.PRIMARY


def test_a_primary_that_does_not_stop_in_order_is_started_again(site: Site) -> None:
    databases = three()
    databases.fails = {"stop db-1"}
    with pytest.raises(ServiceError, match="stop failed") as failed:
        run(site, databases)
    assert databases.acts == ["stop db-1", "start db-1"]
    assert "on db-1, runs again" in failed.value.remedy


def test_a_primary_whose_memory_is_not_on_its_disk_is_not_stopped(site: Site) -> None:
    databases = three()
    databases.fails = {"flush db-1"}
    with pytest.raises(ServiceError, match="flush failed"):
        run(site, databases)
    assert databases.acts == [], "its stop could take minutes"


def test_voters_hear_of_the_new_primary_before_it_is_promoted(site: Site) -> None:
    databases = three()
    databases.terms = dict.fromkeys(VOTERS, Term(number=4, leader="db-1"))
    run(site, databases)
    assert databases.terms == dict.fromkeys(VOTERS, Term(number=5, leader="db-2"))


def test_a_primary_that_just_started_is_not_stopped_before_voters_let_it_go(site: Site) -> None:
    """They would refuse another one, after the stop."""
    databases = three()
    databases.starts = {
        "dr-db-1": LetStart(host="db-1", seconds=90.0),
        "db-2": LetStart(host="db-2", seconds=110.0),
    }
    declared = population(site)
    plan = plan_switchover(site, declared, look(site, [declared], databases))
    assert isinstance(plan, SwitchPlan)
    acts: dict[str, list[str]] = {}

    def told(line: str) -> None:
        acts[line] = list(databases.acts)
        if line.startswith("waiting"):
            databases.starts = {}

    switch(site, plan, ports(databases), told=told)
    assert acts["waiting 91 s: db-1 was let start as the primary just now"] == []
    assert len([line for line in acts if line.startswith("waiting")]) == 1


def test_where_too_few_voters_hear_of_it_the_old_primary_leads_on(site: Site) -> None:
    databases = three()
    databases.terms = dict.fromkeys(VOTERS, Term(number=1, leader="db-1"))
    databases.fails = {"claim db-1", "claim dr-db-1", "claim dr-bak-1"}
    with pytest.raises(ServiceError, match="1 voters know that db-2 leads, and 2 must"):
        run(site, databases)
    assert databases.acts == ["stop db-1", "start db-1"]
    assert databases.terms["db-2"] == Term(number=3, leader="db-1"), "it must not lead later"


def test_where_nobody_was_seen_to_lead_that_is_said(site: Site) -> None:
    databases = three()
    databases.deaf, databases.fails = {"db-2"}, {"start db-1"}
    with pytest.raises(ServiceError, match="db-1 was not seen to start again") as failed:
        run(site, databases)
    assert "may have no primary" in failed.value.remedy
    databases = three()
    databases.fails = {"promote db-2"}
    with pytest.raises(ServiceError) as failed:
        run(site, databases)
    assert "db-2 is the primary is not known" in failed.value.remedy
    assert "start db-1" not in databases.acts, "a second primary"


def test_a_switch_that_was_cut_off_after_its_promotion_makes_the_slots(site: Site) -> None:
    databases = FakeDatabases(
        {"db-1": STOPPED, "db-2": replace(PRIMARY, timeline=2), "dr-db-1": REPLICA}
    )
    report = run(site, databases)
    assert report.gap_seconds is None
    assert databases.acts == ["promote db-2", "follow db-1", "follow dr-db-1"]


def test_a_host_that_does_not_follow_is_told_of_and_the_rest_goes_on(site: Site) -> None:
    databases = three()
    databases.fails = {"follow db-1"}
    report = run(site, databases)
    assert [host for host, _ in report.failed] == ["db-1"]
    assert databases.acts[-1] == "follow dr-db-1"


def test_a_switch_that_was_killed_after_the_stop_is_gone_on_with(site: Site) -> None:
    databases = three()
    databases.fails = {"promote db-2"}
    with pytest.raises(ServiceError):
        run(site, databases)
    databases.fails, databases.acts = set(), []
    run(site, databases)
    assert databases.acts == ["promote db-2", "follow db-1", "follow dr-db-1"]
