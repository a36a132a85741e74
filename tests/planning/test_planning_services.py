"""What is done for a service follows from what its hosts tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.model.declared_service import DeclaredService, cluster_name
from orchestrator.model.leadership import voters_of
from orchestrator.model.service import DatabaseEngine
from orchestrator.model.service_plan import ClusterAct, Health, Refusal, ServicePlan, SwitchPlan
from orchestrator.model.service_state import ClusterFacts, ClusterRole, HostDatabases
from orchestrator.model.site import Site
from orchestrator.planning.service_switch import plan_failover, plan_switchover
from orchestrator.planning.service_variables import Rollout, host_variables
from orchestrator.planning.services import judge, needs_certificate, plan_services
from tests.fakes.service_site import (
    ABSENT,
    PRIMARY,
    REPLICA,
    STOPPED,
    observed,
    population,
    service_site,
)

FOREIGN = replace(PRIMARY, service="")
UNFINISHED = ClusterFacts(role=ClusterRole.UNFINISHED)
PROMOTED = replace(PRIMARY, timeline=2)
DEAF = replace(REPLICA, streaming=False, upstream="")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return service_site(tmp_path_factory.mktemp("city"))


@pytest.fixture
def declared(site: Site) -> DeclaredService:
    return population(site)


def plan(site: Site, *rebuild: str, **clusters: ClusterFacts | None) -> ServicePlan:
    declared = population(site)
    (found,) = plan_services(site, [declared], observed(declared, **clusters), rebuild=rebuild)
    return found


def acts(found: ServicePlan) -> list[str]:
    assert found.refusal is None, found.refusal
    return [step.act.name for step in found.steps]


def test_where_nothing_is_the_first_declared_host_becomes_the_primary(site: Site) -> None:
    found = plan(site, db_1=ABSENT, db_2=ABSENT, dr_db_1=UNFINISHED)
    assert acts(found) == ["CREATE_PRIMARY", "CREATE_REPLICA", "CREATE_REPLICA"]


def test_after_a_switchover_the_primary_stays_where_it_went(site: Site) -> None:
    found = plan(site, db_1=REPLICA, db_2=PRIMARY, dr_db_1=ABSENT)
    assert acts(found) == ["KEEP_REPLICA", "KEEP_PRIMARY", "CREATE_REPLICA"]
    assert found.primary is not None and found.primary.name == "db-2"


def test_a_silent_host_is_left_out_and_never_taken_for_empty(site: Site) -> None:
    found = plan(site, db_1=PRIMARY, db_2=REPLICA, dr_db_1=None)
    assert found.steps[2].act is ClusterAct.LEAVE_OUT
    assert found.steps[2].reason == "it is silent"


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ({"db_1": None, "db_2": ABSENT, "dr_db_1": ABSENT}, "its primary is not found"),
        ({"db_1": STOPPED, "db_2": REPLICA, "dr_db_1": REPLICA}, "its primary is not found"),
        ({"db_1": FOREIGN, "db_2": ABSENT, "dr_db_1": ABSENT}, "of others"),
        ({"db_1": PRIMARY, "db_2": PROMOTED, "dr_db_1": REPLICA}, "db-1 is a primary, too"),
        ({"db_1": PRIMARY, "db_2": PRIMARY, "dr_db_1": REPLICA}, "several primaries"),
        ({"db_1": STOPPED, "db_2": PROMOTED, "dr_db_1": REPLICA}, "db-1 is down and was a primary"),
        (
            {"db_1": PRIMARY, "db_2": replace(STOPPED, timeline=2), "dr_db_1": REPLICA},
            "db-2 is down and was promoted after db-1",
        ),
        (
            {"db_1": PRIMARY, "db_2": replace(REPLICA, system_id="8"), "dr_db_1": ABSENT},
            "replica of another database",
        ),
        (
            {"db_1": PRIMARY, "db_2": replace(REPLICA, timeline=3), "dr_db_1": ABSENT},
            "ahead of db-1",
        ),
    ],
)
def test_what_may_hold_other_data_is_refused(
    site: Site, clusters: dict[str, ClusterFacts | None], said: str
) -> None:
    found = plan(site, **clusters)
    assert found.refusal is not None and said in found.refusal.reason
    assert found.refusal.remedy and not found.steps


def test_only_a_named_replica_is_rebuilt(site: Site) -> None:
    two = {"db_1": PRIMARY, "db_2": PROMOTED, "dr_db_1": REPLICA}
    assert acts(plan(site, "db-1", **two)) == ["REBUILD", "KEEP_PRIMARY", "KEEP_REPLICA"]
    refused = plan(site, "db-2", **two).refusal
    assert refused is not None and "db-2 is the primary" in refused.reason


def test_an_engine_that_is_not_run_here_is_refused_by_its_name(
    site: Site, declared: DeclaredService
) -> None:
    other = replace(declared, service=replace(declared.service, engine=DatabaseEngine.DM))
    (found,) = plan_services(site, [other], {})
    assert found.refusal is not None
    assert "DM8 (达梦) is not run here" in found.refusal.reason


def test_a_switchover_stops_promotes_and_lets_all_follow(
    site: Site, declared: DeclaredService
) -> None:
    found = plan_switchover(
        site, declared, observed(declared, db_1=PRIMARY, db_2=REPLICA, dr_db_1=REPLICA)
    )
    assert isinstance(found, SwitchPlan)
    assert (found.stop, found.promote, found.new.name) == (True, True, "db-2"), "the nearest one"
    assert [server.name for server in found.followers] == ["db-1", "dr-db-1"]


def test_a_switchover_that_was_cut_off_goes_on(site: Site, declared: DeclaredService) -> None:
    between = observed(declared, db_1=STOPPED, db_2=REPLICA, dr_db_1=REPLICA)
    found = plan_switchover(site, declared, between)
    assert isinstance(found, SwitchPlan)
    assert (found.stop, found.promote, found.must_have) == (False, True, 1000)
    promoted = observed(declared, db_1=STOPPED, db_2=PROMOTED, dr_db_1=REPLICA)
    for to in ("db-2", None):
        rest = plan_switchover(site, declared, promoted, to=to)
        assert isinstance(rest, SwitchPlan) and (rest.new.name, rest.promote) == ("db-2", False)
        assert [server.name for server in rest.followers] == ["db-1", "dr-db-1"]


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ({"db_1": PRIMARY, "db_2": replace(REPLICA, streaming=False)}, "hears nothing"),
        ({"db_1": PRIMARY, "db_2": ABSENT}, "is absent there"),
        ({"db_1": STOPPED, "db_2": replace(REPLICA, lsn=999)}, "no replica has all of it"),
        ({"db_1": replace(STOPPED, clean=False), "db_2": REPLICA}, "its primary is not found"),
        ({"db_1": STOPPED, "db_2": REPLICA, "dr_db_1": None}, "its primary is not found"),
        (
            {"db_1": STOPPED, "db_2": REPLICA, "dr_db_1": replace(STOPPED, clean=False)},
            "its primary is not found",
        ),
    ],
)
def test_a_switchover_that_would_lose_rows_is_refused(
    site: Site, declared: DeclaredService, clusters: dict[str, ClusterFacts | None], said: str
) -> None:
    world = observed(declared, **{"dr_db_1": ABSENT, **clusters})
    found = plan_switchover(site, declared, world, to="db-2")
    assert isinstance(found, Refusal) and said in found.reason


def test_a_failover_is_refused_while_a_primary_answers_or_another_has_more(
    site: Site, declared: DeclaredService
) -> None:
    alive = observed(declared, db_1=PRIMARY, db_2=REPLICA, dr_db_1=REPLICA)
    refused = plan_failover(site, declared, alive, to="db-2")
    assert isinstance(refused, Refusal) and "db-1 is the primary, and answers" in refused.reason
    lost = observed(declared, db_1=None, db_2=replace(DEAF, lsn=1100), dr_db_1=DEAF)
    refused = plan_failover(site, declared, lost, to="dr-db-1")
    assert isinstance(refused, Refusal) and "db-2 has more" in refused.reason
    found = plan_failover(site, declared, lost, to="db-2")
    assert isinstance(found, SwitchPlan) and found.promote and not found.stop
    assert found.out_of_reach == ("db-1",)


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ({"db_1": None, "db_2": REPLICA, "dr_db_1": DEAF}, "db-2 still hears from its primary"),
        ({"db_1": None, "db_2": DEAF, "dr_db_1": REPLICA}, "dr-db-1 still hears from its primary"),
        ({"db_1": replace(STOPPED, lsn=1001), "db_2": DEAF, "dr_db_1": DEAF}, "stopped in order"),
        (
            {"db_1": None, "db_2": replace(DEAF, lsn=2000), "dr_db_1": replace(DEAF, timeline=2)},
            "dr-db-1 has more",
        ),
        (
            {"db_1": None, "db_2": replace(DEAF, timeline=2), "dr_db_1": replace(DEAF, lsn=2000)},
            "dr-db-1 has more",
        ),
    ],
)
def test_a_failover_that_would_lose_rows_which_somebody_has_is_refused(
    site: Site, declared: DeclaredService, clusters: dict[str, ClusterFacts | None], said: str
) -> None:
    found = plan_failover(site, declared, observed(declared, **clusters), to="db-2")
    assert isinstance(found, Refusal) and said in found.reason and found.remedy


def test_a_crashed_primary_is_no_hindrance_to_a_failover(
    site: Site, declared: DeclaredService
) -> None:
    crashed = replace(STOPPED, clean=False, lsn=1001)
    world = observed(declared, db_1=crashed, db_2=DEAF, dr_db_1=DEAF)
    found = plan_failover(site, declared, world, to="db-2")
    assert isinstance(found, SwitchPlan) and found.promote
    assert [server.name for server in found.followers] == ["dr-db-1"]


def test_a_replica_of_a_stale_primary_is_neither_well_nor_promoted(
    site: Site, declared: DeclaredService
) -> None:
    stale = replace(REPLICA, lsn=5000)
    world = observed(declared, db_1=PRIMARY, db_2=PROMOTED, dr_db_1=stale)
    found = {one.host: one for one in judge(site, declared, world)}
    assert found["dr-db-1"].health is Health.LAGGING
    assert "it follows 10.9.2.31" in found["dr-db-1"].reason
    refused = plan_switchover(site, declared, world, to="dr-db-1")
    assert isinstance(refused, Refusal) and "it follows 10.9.2.31" in refused.reason


def test_a_former_primary_that_was_promoted_later_follows_nobody(
    site: Site, declared: DeclaredService
) -> None:
    newer = replace(STOPPED, timeline=2)
    world = observed(declared, db_1=PRIMARY, db_2=newer, dr_db_1=REPLICA)
    found = plan_switchover(site, declared, world, to="db-1")
    assert isinstance(found, SwitchPlan) and not found.has_work


def test_health_is_judged_against_the_newest_primary(site: Site, declared: DeclaredService) -> None:
    late = replace(REPLICA, lsn=900, lag_seconds=300.0)
    world = observed(declared, db_1=PRIMARY, db_2=PROMOTED, dr_db_1=late)
    found = {one.host: (one.health, one.lag_bytes) for one in judge(site, declared, world)}
    assert found["db-1"][0] is Health.CONFLICT
    assert found["db-2"] == (Health.OK, None)
    assert found["dr-db-1"] == (Health.LAGGING, 100)


def test_a_certificate_is_renewed_before_its_end_or_for_another_authority() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    host = HostDatabases(
        answers=True, certificate_until=now + timedelta(days=31), certificate_authority="a"
    )
    assert not needs_certificate(host, authority="a", now=now)
    assert needs_certificate(host, authority="a", now=now + timedelta(days=2))
    assert needs_certificate(host, authority="b", now=now)
    assert needs_certificate(replace(host, certificate_until=None), authority="a", now=now)


def test_names_on_hosts_break_neither_systemd_nor_paths() -> None:
    assert cluster_name("gongan", "population") == "gongan__population"
    assert cluster_name("shijian", "legal-entities") == "shijian__legal_entities"


def test_only_declared_addresses_may_log_in_and_only_by_tls_or_certificate(
    site: Site, declared: DeclaredService
) -> None:
    found = plan(site, db_1=ABSENT, db_2=ABSENT, dr_db_1=ABSENT)
    rollout = Rollout(
        site=site,
        plans=(found,),
        logins={declared.name: {}},
        authority="PEM",
        certificates={},
    )
    variables = host_variables(rollout, [step.server for step in found.steps])
    cluster = variables["dr-db-1"]["postgresql_clusters"][0]["cluster"]  # type: ignore[index, call-overload] # JSON
    lines = cluster["files"]["pg_hba.conf"].splitlines()[1:]
    assert lines[0] == "local all postgres peer"
    assert all(line.startswith("hostssl ") for line in lines[1:]), "level 4: TLS only"
    assert not any("trust" in line or "0.0.0.0" in line or " all " in line for line in lines[1:])
    assert "hostssl population +app 10.4.1.0/24 scram-sha-256" in lines
    assert "hostssl replication replicator 10.9.2.31/32 cert map=replicator" in lines
    assert not any("exchange" in line for line in lines), "level 4 is not shared"
    assert "host=10.9.2.31" in cluster["files"]["conf.d/60-upstream.conf"]
    first = variables["db-1"]["postgresql_clusters"][0]  # type: ignore[index, call-overload] # JSON
    assert "conf.d/60-upstream.conf" not in first["cluster"]["files"]
    assert first["script"] and not variables["db-2"]["postgresql_clusters"][0]["script"]  # type: ignore[index, call-overload] # JSON


def test_a_host_with_databases_never_has_a_key_that_they_cannot_read(
    site: Site, declared: DeclaredService
) -> None:
    found = plan(site, db_1=PRIMARY, db_2=REPLICA, dr_db_1=REPLICA)
    rollout = Rollout(
        site=site,
        plans=(found,),
        logins={declared.name: {}},
        authority="PEM",
        certificates={},
    )
    witness = voters_of(site, declared).witness
    assert witness is not None
    told = host_variables(rollout, [*(step.server for step in found.steps), witness])
    assert {name: one["host_certificate_group"] for name, one in told.items()} == {
        "db-1": "postgres",
        "db-2": "postgres",
        "dr-db-1": "postgres",
        "dr-bak-1": "root",
    }
