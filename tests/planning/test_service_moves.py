"""An edit of `hosts:` never makes an empty database beside the one with the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.model.declared_service import DeclaredService
from orchestrator.model.service_plan import ClusterAct, Health, Refusal, ServicePlan, SwitchPlan
from orchestrator.model.service_state import ClusterFacts, HostDatabases, Observed, Term
from orchestrator.model.site import Site
from orchestrator.planning.service_switch import plan_failover, plan_switchover
from orchestrator.planning.services import judge, plan_services
from tests.fakes.service_site import (
    ABSENT,
    PRIMARY,
    REPLICA,
    STOPPED,
    observed,
    population,
    service_site,
)

DEAF = replace(REPLICA, streaming=False, upstream="")
WAITS = replace(
    STOPPED, clean=False, timeline=1, waits="it hears 1 of 4 voters", reason="it hears 1 of 4"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return service_site(tmp_path_factory.mktemp("city"))


@pytest.fixture
def declared(site: Site) -> DeclaredService:
    return population(site)


def on(declared: DeclaredService, *hosts: str) -> DeclaredService:
    return replace(declared, service=replace(declared.service, hosts=hosts))


def planned(
    site: Site, declared: DeclaredService, world: Observed, *, empty: bool = False
) -> ServicePlan:
    (found,) = plan_services(site, [declared], world, empty=empty)
    return found


def with_terms(
    declared: DeclaredService, world: Observed, terms: Mapping[str, tuple[int, str]]
) -> Observed:
    """Let hosts, and a witness that is not there yet, know of terms."""
    told = dict(world)
    for host, (number, leader) in terms.items():
        before = told.get(host, HostDatabases(answers=True))
        told[host] = replace(before, terms={declared.cluster: Term(number=number, leader=leader)})
    return told


@pytest.mark.parametrize("found", [PRIMARY, REPLICA, STOPPED])
def test_a_service_moved_wholly_elsewhere_is_refused_with_the_steps_of_a_move(
    site: Site, declared: DeclaredService, found: ClusterFacts
) -> None:
    moved = on(declared, "db-2", "dr-db-1")
    world = observed(declared, db_1=found, db_2=ABSENT, dr_db_1=ABSENT)
    for empty in (False, True):
        refusal = planned(site, moved, world, empty=empty).refusal
        assert refusal is not None and "db-1" in refusal.reason
        assert "hosts: [db-2, dr-db-1, db-1]" in refusal.remedy
        assert "switchover gongan/population --to db-2" in refusal.remedy


def test_a_primary_that_is_no_longer_declared_is_neither_ignored_nor_failed_over(
    site: Site, declared: DeclaredService
) -> None:
    moved = on(declared, "db-2", "dr-db-1")
    world = observed(declared, db_1=PRIMARY, db_2=REPLICA, dr_db_1=DEAF)
    refusal = planned(site, moved, world).refusal
    assert refusal is not None and "its primary is on db-1" in refusal.reason
    for force in (False, True):
        found = plan_failover(site, moved, world, to="db-2", force=force)
        assert isinstance(found, Refusal) and "its primary is on db-1" in found.reason
    assert isinstance(plan_switchover(site, moved, world, to="db-2"), Refusal)


def test_a_replica_that_left_hinders_nothing(site: Site, declared: DeclaredService) -> None:
    moved = on(declared, "db-2", "dr-db-1")
    world = observed(declared, db_1=REPLICA, db_2=PRIMARY, dr_db_1=REPLICA)
    acts = [step.act for step in planned(site, moved, world).steps]
    assert acts == [ClusterAct.KEEP_PRIMARY, ClusterAct.KEEP_REPLICA]


def test_where_a_witness_remembers_data_an_empty_database_is_made_only_when_asked_for(
    site: Site, declared: DeclaredService
) -> None:
    bare = observed(declared, db_1=ABSENT, db_2=ABSENT, dr_db_1=ABSENT)
    known = with_terms(declared, bare, {"dr-bak-1": (3, "db-2")})
    refusal = planned(site, declared, known).refusal
    assert refusal is not None and "remembered by dr-bak-1: db-2 was its primary" in refusal.reason
    assert "--empty" in refusal.remedy and "restore" in refusal.remedy
    assert planned(site, declared, known, empty=True).steps[0].act is ClusterAct.CREATE_PRIMARY
    assert planned(site, declared, bare).refusal is None, "a new service is made"


def test_a_silent_database_host_may_have_the_data_unless_a_witness_knows(
    site: Site, declared: DeclaredService
) -> None:
    moved = on(declared, "db-2", "dr-db-1")
    world = observed(declared, db_1=None, db_2=ABSENT, dr_db_1=ABSENT)
    refusal = planned(site, moved, world).refusal
    assert refusal is not None and "whether db-1 has its data cannot be seen" in refusal.reason
    remembering = {**world, "dr-bak-1": HostDatabases(answers=True)}
    assert planned(site, moved, remembering).refusal is None


def test_a_former_primary_that_waits_is_shown_and_led_only_by_a_person(
    site: Site, declared: DeclaredService
) -> None:
    world = observed(declared, db_1=WAITS, db_2=DEAF, dr_db_1=None)
    health = {one.host: one.health for one in judge(site, declared, world)}
    assert health["db-1"] is Health.WAITS
    refused = plan_failover(site, declared, world, to="db-1")
    assert isinstance(refused, Refusal) and "--to db-1 --force" in refused.remedy
    found = plan_failover(site, declared, world, to="db-1", force=True)
    assert isinstance(found, SwitchPlan) and found.start and found.promote
    newer = observed(declared, db_1=WAITS, db_2=replace(DEAF, timeline=2), dr_db_1=None)
    refused = plan_failover(site, declared, newer, to="db-1", force=True)
    assert isinstance(refused, Refusal) and "db-2 has more" in refused.reason


def test_a_failover_takes_enough_voters_and_asks_what_a_silent_replica_has(
    site: Site, declared: DeclaredService
) -> None:
    city_lost = observed(declared, db_1=None, db_2=None, dr_db_1=DEAF)
    refused = plan_failover(site, declared, city_lost, to="dr-db-1")
    assert isinstance(refused, Refusal) and "only 1 of 4 voters" in refused.reason
    world = with_terms(declared, city_lost, {"dr-bak-1": (1, "db-1"), "dr-db-1": (1, "db-1")})
    refused = plan_failover(site, declared, world, to="dr-db-1")
    assert isinstance(refused, Refusal) and "db-2 does not answer, and may have more" in (
        refused.reason
    )
    found = plan_failover(site, declared, world, to="dr-db-1", force=True)
    assert isinstance(found, SwitchPlan)
    assert found.term == Term(number=2, leader="dr-db-1")
    assert [one.name for one in found.voters] == ["dr-db-1", "dr-bak-1"]
    assert found.unheard == ("db-1", "db-2")


def test_of_two_replicas_the_one_that_received_more_is_promoted(
    site: Site, declared: DeclaredService
) -> None:
    ahead = replace(DEAF, lsn=1000, received=1500)
    behind = replace(DEAF, lsn=1200, received=1200)
    world = observed(declared, db_1=None, db_2=ahead, dr_db_1=behind)
    refused = plan_failover(site, declared, world, to="dr-db-1")
    assert isinstance(refused, Refusal) and "db-2 has more" in refused.reason
    assert isinstance(plan_failover(site, declared, world, to="db-2"), SwitchPlan)
