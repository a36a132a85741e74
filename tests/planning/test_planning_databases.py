"""Databases of OpenStack itself: whose they are, where a copy goes, and what a drill says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import RefusedError
from orchestrator.model.backup import (
    BackupSet,
    Copy,
    Facts,
    Instance,
    Manifest,
    Sentinel,
    Subject,
    SubjectKind,
    TableFacts,
)
from orchestrator.model.backup_databases import databases_in
from orchestrator.model.drill import Evidence, Target
from orchestrator.model.hardware import ServerRole
from orchestrator.model.site import Site
from orchestrator.model.units import Text
from orchestrator.model.verdict import Verdict
from orchestrator.planning.backup import subjects_of
from orchestrator.planning.backup_leave import narrowed, preparation
from orchestrator.planning.drill import judge
from orchestrator.planning.drill_choice import drill_place, drill_work, left_places
from orchestrator.planning.restore import Destination, place_of
from orchestrator.spec.load import load_site
from tests.fakes.drill_world import NOW
from tests.lab.service_town import ServiceTown

NAMES = ("keystone", "nova_api")
DECLARED = BackupSet(
    name="openstack",
    display=Text(zh="云平台数据库", en="Databases of OpenStack"),
    policy="core",
    roles=(ServerRole.CONTROL,),
    hosts=("dr-db-1",),
    databases=NAMES,
)
FACTS = Facts(
    tables={"keystone.user": TableFacts(rows=3, checksum="81")},
    roles=("keystone@%",),
    server_version="10.11.19-MariaDB-0+deb12u1",
    sentinel=Sentinel(id=4, written_at=NOW - timedelta(minutes=5)),
    properties={
        "definitions of keystone": "tables 1",
        "definitions of nova_api": "tables 0",
        "definitions of orchestrator": "tables 1",
        "rights of keystone@%": "GRANT USAGE ON *.* TO `keystone`@`%`",
    },
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = load_site(ServiceTown(tmp_path_factory.mktemp("databases")).directory).site
    return replace(made, system=replace(made.system, backup_sets=(DECLARED,)))


def subject(site: Site) -> Subject:
    return next(one for one in subjects_of(site) if one.name == "openstack/city")


def test_hosts_of_a_region_are_one_subject_and_another_region_is_another(site: Site) -> None:
    found = {one.name: one for one in subjects_of(site) if one.kind is SubjectKind.DATABASES}
    assert {name: one.hosts for name, one in found.items()} == {
        "openstack/city": ("ctl-1", "ctl-2"),
        "openstack/dr": ("dr-db-1",),
    }
    assert found["openstack/city"].instance == Instance(databases=NAMES)
    assert found["openstack/city"].repositories == ("city-copies", "dr-copies")


def test_a_spare_gets_mariadb_and_a_host_that_runs_its_own_is_left_alone(site: Site) -> None:
    wanted = preparation(site, subjects_of(site), readers={})
    told = {name: dict(one["backup"])["mariadb"] for name, one in wanted.variables.items()}  # type: ignore[arg-type] # JSON
    assert told["dr-spare-1"] is True
    assert told["ctl-1"] is False and told["ctl-2"] is False


def test_hosts_of_other_subjects_are_left_out_and_keep_their_leave(site: Site) -> None:
    whole = preparation(site, subjects_of(site), readers={})
    some = narrowed(whole, site, [subject(site)])
    assert {one.name for one in some.servers} == {
        *("ctl-1", "ctl-2", "bak-1", "dr-bak-1", "dr-spare-1"),
    }
    assert some.variables == whole.variables
    assert narrowed(whole, site, []) == whole


def test_home_is_the_hosts_own_server_and_elsewhere_one_of_its_own(site: Site) -> None:
    one = subject(site)
    (home,) = (each for each in site.hardware.servers if each.name == "ctl-2")
    own = place_of(one, Destination(), home=home, run="r1")
    assert (own.server, own.instance, own.make) == ("ctl-2", one.instance, False)
    other = place_of(one, Destination(host="dr-spare-1"), home=home, run="r1")
    made = f"{one.name.replace('/', '_')}_restored"
    assert other.instance == Instance(databases=NAMES, name=made, port=13_306)
    assert (other.server, other.make) == ("dr-spare-1", True)
    named = place_of(one, Destination(name="of-may", port=13_400), home=home, run="r1")
    assert named.instance == Instance(databases=NAMES, name="of_may", port=13_400)
    with pytest.raises(RefusedError, match="--folder"):
        place_of(one, Destination(folder="/srv"), home=home, run="r1")


@pytest.mark.parametrize("name", ["/var/lib/mysql", "..", ".", "orchestrator-drill", "x" * 61])
def test_a_restored_server_has_no_name_that_is_a_way_to_other_folders(
    site: Site, name: str
) -> None:
    with pytest.raises(RefusedError, match="cannot be called"):
        place_of(subject(site), Destination(host="dr-spare-1", name=name), home=None, run="r1")


def test_a_drill_has_a_server_of_its_own_and_production_is_tried_at_its_port(site: Site) -> None:
    work = drill_work(site, subject(site))
    assert (work.repository, work.host) == ("dr-copies", "dr-spare-1")
    assert work.production == (
        Target(host="ctl-1", address="10.9.2.61", port=3306),
        Target(host="ctl-2", address="10.9.2.62", port=3306),
    )
    place = drill_place(work)
    assert place.make and place.instance is not None and place.instance.name == "orchestrator_drill"
    # Whatever is drilled next there, what a killed one left is looked for.
    assert place in left_places("dr-spare-1", subjects_of(site))


def test_the_databases_of_a_copy_are_known_also_where_they_have_no_table() -> None:
    assert databases_in(FACTS) == NAMES


@pytest.fixture
def good(site: Site) -> Evidence:
    copy = Copy(
        subject="openstack/city",
        repository="dr-copies",
        run="r1",
        taken_at=NOW - timedelta(minutes=4),
        data_id="d",
        manifest_id="m",
    )
    manifest = Manifest(
        run="r1",
        subject=copy.subject,
        taken_at=copy.taken_at,
        host="ctl-2",
        facts=FACTS,
        data_id="d",
        data_bytes=9,
    )
    return Evidence(
        subject=subject(site),
        repository="dr-copies",
        host="dr-spare-1",
        lost_at=NOW,
        ended_at=NOW + timedelta(seconds=9),
        copy=copy,
        manifest=manifest,
        restored=True,
        found=FACTS,
    )


def data_verdicts(site: Site, evidence: Evidence) -> dict[str, Verdict]:
    judged = judge(site.name, evidence, evidence.subject.policy)
    return {one.what: one.verdict for one in judged.assertions}


def test_a_drill_of_databases_needs_no_login_and_its_rpo_is_the_sentinels(
    site: Site, good: Evidence
) -> None:
    judged = judge(site.name, good, good.subject.policy)
    assert judged.rpo_seconds == 300
    found = data_verdicts(site, good)
    for what in ("table keystone.user", "sentinel", "roles", "server version"):
        assert found[what] is Verdict.PASS
    assert not [what for what in found if what.startswith("login")]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"tables": {"keystone.user": TableFacts(rows=2, checksum="81")}}, "table keystone.user"),
        ({"sentinel": None}, "sentinel"),
        ({"roles": ()}, "roles"),
        ({"server_version": "10.5.26-MariaDB"}, "server version"),
        ({"properties": {**FACTS.properties, "rights of keystone@%": ""}}, "rights of keystone@%"),
        ({"properties": {}}, "definitions of nova_api"),
    ],
)
def test_whatever_differs_of_databases_is_named(
    site: Site, good: Evidence, changed: dict[str, object], what: str
) -> None:
    found = data_verdicts(site, replace(good, found=replace(FACTS, **changed)))  # type: ignore[arg-type] # fields of Facts
    assert found[what] is Verdict.FAIL


def test_without_a_sentinel_the_rpo_is_unknown_and_not_the_copys_age(
    site: Site, good: Evidence
) -> None:
    judged = judge(
        site.name, replace(good, found=replace(FACTS, sentinel=None)), good.subject.policy
    )
    assert judged.rpo_seconds is None


def test_another_minor_release_of_mariadb_is_no_fault(site: Site, good: Evidence) -> None:
    found = replace(FACTS, server_version="10.11.21-MariaDB")
    assert data_verdicts(site, replace(good, found=found))["server version"] is Verdict.PASS
