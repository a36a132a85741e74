"""Where drills are run, what they say of what they saw, and when the next one is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import RefusedError
from orchestrator.model.backup import Copy, Facts, FileFacts, Manifest, Sentinel, SubjectKind
from orchestrator.model.drill import DueState, Evidence, Isolation, Login, PastDrill, Target
from orchestrator.model.service import DatabaseService
from orchestrator.model.site import Site
from orchestrator.model.verdict import Verdict
from orchestrator.planning.backup import subjects_of
from orchestrator.planning.drill import judge
from orchestrator.planning.drill_calendar import calendar
from orchestrator.planning.drill_choice import drill_place, drill_work
from orchestrator.planning.drill_record import drill_json, past_drill
from orchestrator.planning.spans import span
from orchestrator.spec.load import load_site
from tests.fakes.drill_world import NOW, facts_of_population, subject_of
from tests.lab.service_town import ServiceTown

TARGET = Target(host="db-1", address="10.9.2.31", port=5501)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return load_site(ServiceTown(tmp_path_factory.mktemp("drill")).directory).site


@pytest.fixture
def good(site: Site) -> Evidence:
    """A drill in which everything was seen, and well."""
    taken = NOW - timedelta(minutes=5)
    facts = facts_of_population(taken)
    copy = Copy(
        subject="gongan/population",
        repository="dr-copies",
        run="r1",
        taken_at=taken,
        data_id="d",
        manifest_id="m",
    )
    return Evidence(
        subject=subject_of(site),
        repository="dr-copies",
        host="dr-spare-1",
        lost_at=NOW,
        ended_at=NOW + timedelta(seconds=9),
        copy=copy,
        manifest=Manifest(
            run="r1",
            subject=copy.subject,
            taken_at=taken,
            host="db-1",
            facts=facts,
            data_id="d",
            data_bytes=1,
        ),
        isolation=Isolation(targets=(TARGET,), reached=(), dropped=3),
        restored=True,
        found=facts,
        logins=tuple(Login(role=role, way="local") for role in facts.roles),
        clock_offset_seconds=0.1,
    )


def verdicts(evidence: Evidence) -> dict[str, str]:
    """Return what did not pass."""
    judged = judge("smallcity", evidence, evidence.subject.policy).assertions
    return {one.what: one.verdict.value for one in judged if one.verdict is not Verdict.PASS}


def changed(evidence: Evidence, **changes: object) -> Evidence:
    """Let the restored data differ from what was recorded."""
    assert evidence.found is not None
    found = replace(evidence.found, **changes)  # type: ignore[arg-type] # fields of many types
    return replace(evidence, found=found)


def test_good_evidence_passes_with_its_rpo_and_rto(good: Evidence) -> None:
    drill = judge("smallcity", good, good.subject.policy)
    assert (drill.verdict, drill.rpo_seconds, drill.rto_seconds) == (Verdict.PASS, 300.0, 9.0)


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"tables": {}}, {"table data.household", "table data.person"}),
        ({"extensions": {"plpgsql": "1.0"}}, {"extension pgaudit"}),
        ({"extensions": {"plpgsql": "1.0", "pgaudit": "1.6"}}, {"extension pgaudit"}),
        ({"roles": ("app", "owner")}, {"roles"}),
        ({"server_version": "16.1"}, {"server version"}),
        ({"server_version": ""}, {"server version"}),
        ({"sentinel": Sentinel(id=6, written_at=NOW - timedelta(minutes=6))}, {"sentinel"}),
    ],
)
def test_whatever_differs_is_named(
    good: Evidence, changes: dict[str, object], blamed: set[str]
) -> None:
    found = verdicts(changed(good, **changes))
    assert {what for what, verdict in found.items() if verdict == "fail"} == blamed
    assert found["RTO"] == "unknown"


def test_another_minor_release_is_no_fault(good: Evidence) -> None:
    assert verdicts(changed(good, server_version="15.99")) == {}


def test_a_table_that_nobody_recorded_is_a_difference(good: Evidence) -> None:
    assert good.found is not None
    more = {**good.found.tables, "data.extra": good.found.tables["data.person"]}
    assert verdicts(changed(good, tables=more))["table data.extra"] == "fail"


def test_what_was_not_seen_is_unknown_and_never_passed(good: Evidence) -> None:
    bare = replace(good, found=None, restored=False, logins=None, isolation=None)
    assert set(verdicts(bare).values()) == {"unknown"}
    assert judge("smallcity", bare, good.subject.policy).verdict is Verdict.UNKNOWN


def test_a_manifest_that_counts_nothing_proves_nothing(good: Evidence) -> None:
    assert good.manifest is not None and good.found is not None
    empty = replace(
        good,
        manifest=replace(good.manifest, facts=replace(good.manifest.facts, tables={})),
        found=replace(good.found, tables={}),
    )
    assert verdicts(empty)["data"] == "unknown"


def test_a_slow_restore_misses_its_rto(good: Evidence) -> None:
    assert verdicts(replace(good, ended_at=NOW + timedelta(minutes=121))) == {"RTO": "fail"}


@pytest.mark.parametrize(("minutes", "verdict"), [(15, None), (16, "fail"), (-1, "fail")])
def test_the_rpo_is_reckoned_from_the_restored_sentinel(
    good: Evidence, minutes: int, verdict: str | None
) -> None:
    assert good.manifest is not None
    facts = facts_of_population(NOW - timedelta(minutes=minutes))
    aged = replace(good, found=facts, manifest=replace(good.manifest, facts=facts))
    assert verdicts(aged).get("RPO") == verdict


def test_files_are_compared_by_their_digest_and_named(good: Evidence, site: Site) -> None:
    subject = next(one for one in subjects_of(site) if one.kind is SubjectKind.FILES)
    hosts, changing = FileFacts(size_bytes=9, sha256="aa"), FileFacts(size_bytes=9, sha256="")
    recorded = Facts(files={"/etc/hosts": hosts, "/etc/motd": hosts, "/etc/changing": changing})
    restored = Facts(
        files={
            "/etc/hosts": hosts,
            "/etc/motd": replace(hosts, sha256="bb"),
            "/etc/changing": hosts,
        }
    )
    assert good.manifest is not None
    seen = replace(
        good,
        subject=subject,
        manifest=replace(good.manifest, facts=recorded),
        found=restored,
        logins=None,
    )
    drill = judge("smallcity", seen, subject.policy)
    assert {one.what: one.broken for one in drill.assertions if one.verdict is Verdict.FAIL} == {
        "files": ("/etc/motd",)
    }
    assert drill.rpo_seconds == 300.0  # of files, from when they were copied


def test_files_of_which_none_was_compared_prove_nothing(good: Evidence, site: Site) -> None:
    subject = next(one for one in subjects_of(site) if one.kind is SubjectKind.FILES)
    steady, changing = FileFacts(size_bytes=9, sha256="aa"), FileFacts(size_bytes=9, sha256="")

    def seen(**recorded: FileFacts) -> Evidence:
        assert good.manifest is not None
        facts = Facts(files={f"/{name}": one for name, one in recorded.items()})
        found = Facts(files=dict.fromkeys(facts.files, steady))
        manifest = replace(good.manifest, facts=facts)
        return replace(good, subject=subject, manifest=manifest, found=found, logins=None)

    assert verdicts(seen(a=changing, b=changing))["files"] == "unknown"
    some = judge("smallcity", seen(a=steady, b=changing), subject.policy)
    (files,) = [one for one in some.assertions if one.what == "files"]
    assert files.verdict is Verdict.PASS and "1 changed while they were copied" in files.found


def test_a_role_that_nobody_tried_to_use_is_unknown(good: Evidence) -> None:
    assert good.logins is not None
    assert verdicts(replace(good, logins=good.logins[1:])) == {
        "login app": "unknown",
        "RTO": "unknown",
    }


def test_a_record_is_read_back_as_it_was_written(good: Evidence) -> None:
    drill = judge("smallcity", good, good.subject.policy)
    assert past_drill(drill_json(drill)) == PastDrill(
        subject="gongan/population",
        began=NOW,
        verdict=Verdict.PASS,
        rpo_seconds=300.0,
        rto_seconds=9.0,
        record="gongan/population/20261122T030000Z",
    )


@pytest.mark.parametrize("change", [{"format": "other/1"}, {"verdict": "good"}, {"lost_at": "x"}])
def test_a_record_of_another_form_is_refused(good: Evidence, change: dict[str, str]) -> None:
    plain = drill_json(judge("smallcity", good, good.subject.policy))
    with pytest.raises(ValueError, match=r"."):
        past_drill({**plain, **change})


# Where


def test_the_remote_copy_is_restored_on_the_spare(site: Site) -> None:
    work = drill_work(site, subject_of(site))
    assert (work.repository, work.host) == ("dr-copies", "dr-spare-1")
    assert [(one.host, one.port) for one in work.production] == [
        ("db-1", 5501),
        ("db-2", 5501),
        ("dr-db-1", 5501),
    ]
    place = drill_place(work)
    declared = subject_of(site).cluster
    assert place.make and place.cluster is not None and declared is not None
    assert place.cluster.name != declared.name


def test_a_host_with_a_service_is_refused_even_where_it_is_named(site: Site) -> None:
    with pytest.raises(RefusedError, match="dr-db-1 has services"):
        drill_work(site, subject_of(site), host="dr-db-1")
    with pytest.raises(RefusedError, match="ctl-1 may not read"):
        drill_work(site, subject_of(site), host="ctl-1")


def test_a_spare_that_gets_a_service_is_free_no_more(site: Site) -> None:
    tenant = site.tenancy.tenants[-1]
    service: DatabaseService = replace(tenant.services[0], hosts=("dr-spare-1",))
    taken = replace(tenant, services=(service,))
    tenants = (*site.tenancy.tenants[:-1], taken)
    full = replace(site, tenancy=replace(site.tenancy, tenants=tenants))
    with pytest.raises(RefusedError, match="no host is free"):
        drill_work(full, subject_of(site))


def test_a_local_repository_has_to_be_named(site: Site) -> None:
    local = replace(subject_of(site), repositories=("city-copies",))
    with pytest.raises(RefusedError, match="no repository outside the city"):
        drill_work(site, local)
    assert drill_work(site, local, repository="city-copies").repository == "city-copies"
    with pytest.raises(RefusedError, match="has no copies in `dr-copies`"):
        drill_work(site, local, repository="dr-copies")


# When


def past(days_ago: float, verdict: Verdict = Verdict.PASS) -> PastDrill:
    return PastDrill(
        subject="gongan/population",
        began=NOW - timedelta(days=days_ago),
        verdict=verdict,
        rpo_seconds=1.0,
        rto_seconds=1.0,
        record="r",
    )


@pytest.mark.parametrize(
    ("drills", "state", "overdue"),
    [
        ([], DueState.NEVER, 0),
        ([past(29)], DueState.CURRENT, 0),
        ([past(33)], DueState.DUE, 3),
        ([past(33), past(1)], DueState.CURRENT, 0),
        ([past(1), past(33)], DueState.CURRENT, 0),
        ([past(5), past(1, Verdict.FAIL)], DueState.FAILED, 0),
        ([past(5), past(1, Verdict.UNKNOWN)], DueState.FAILED, 0),
        ([past(1), past(5, Verdict.FAIL)], DueState.CURRENT, 0),
        ([past(5, Verdict.FAIL)], DueState.NEVER, 0),
        ([past(33), past(-60)], DueState.DUE, 3),
        ([past(-60)], DueState.NEVER, 0),
    ],
)
def test_only_what_passed_moves_the_date(
    site: Site, drills: list[PastDrill], state: DueState, overdue: int
) -> None:
    (line,) = calendar([subject_of(site)], drills, now=NOW)
    assert (line.state, line.overdue_days) == (state, overdue)
    assert line.is_due == (state is not DueState.CURRENT)


def test_the_calendar_begins_with_what_is_most_urgent(site: Site) -> None:
    one, two = subject_of(site), subject_of(site, "ziran/geography")
    lines = calendar([one, two], [past(1)], now=datetime(2026, 11, 22, 4, tzinfo=UTC))
    assert [line.subject for line in lines] == ["ziran/geography", "gongan/population"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (5.25, "5.2 s"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
        (90000, "1 d 1 h"),
        (900, "15 min"),
        (86_460, "1 d"),
        (-60, "-1 min"),
    ],
)
def test_spans_are_said_in_two_units(seconds: float, said: str) -> None:
    assert span(seconds) == said
