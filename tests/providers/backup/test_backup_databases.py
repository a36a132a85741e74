"""What hosts are asked of MariaDB's databases, and which of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    BackupFault,
    BackupRepository,
    Facts,
    Instance,
    Place,
    Subject,
    SubjectKind,
    TableFacts,
)
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports.backup import Store
from orchestrator.providers.backup.engine import HostCopying, HostRestores
from orchestrator.providers.backup.requests import Keys
from orchestrator.providers.backup.sending import Agents
from orchestrator.providers.backup.site_records import SiteRecords
from tests.fakes.backup_host import FakeBackupHosts
from tests.fakes.bmc_site import server
from tests.planning.backup_city import subject

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = ("keystone", "nova_api")
MEMBERS = [replace(server(), name=name) for name in ("ctl-1", "ctl-2")]
STORE = Store(
    repository=BackupRepository(
        name="far", region="dr", server="dr-bak-1", key=SecretRef("secret://backup/dr")
    ),
    server=replace(server(), name="dr-bak-1"),
)


class Vault:
    def get(self, ref: str) -> Secret:
        return Secret("canary-key-3141")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Any) -> None:
        raise AssertionError("nothing is stored")


@pytest.fixture
def hosts() -> FakeBackupHosts:
    return FakeBackupHosts()


@pytest.fixture
def copying(hosts: FakeBackupHosts, tmp_path: Path) -> HostCopying:
    return HostCopying(keys=keys_of(hosts), records=records_in(tmp_path))


@pytest.fixture
def restores(hosts: FakeBackupHosts, tmp_path: Path) -> HostRestores:
    return HostRestores(keys=keys_of(hosts), records=records_in(tmp_path))


def keys_of(hosts: FakeBackupHosts) -> Keys:
    return Keys(agents=Agents(hosts=hosts), secrets=Vault())


def records_in(folder: Path) -> SiteRecords:
    return SiteRecords(directory=folder, state=folder, password_file=folder / "password")


def databases() -> Subject:
    return subject(
        "openstack/city",
        kind=SubjectKind.DATABASES,
        cluster=None,
        instance=Instance(databases=NAMES),
        hosts=("ctl-1", "ctl-2"),
    )


def test_a_silent_member_is_passed_over(hosts: FakeBackupHosts, copying: HostCopying) -> None:
    hosts.answers = {"role-databases": {"role": "synced", "cluster": "a"}}
    assert copying.source(databases(), MEMBERS).name == "ctl-1"
    hosts.silent = {"ctl-1"}
    assert copying.source(databases(), MEMBERS).name == "ctl-2"


def test_why_no_member_can_be_copied_is_told_host_by_host(
    hosts: FakeBackupHosts, copying: HostCopying
) -> None:
    hosts.silent = {"ctl-1"}
    hosts.answers = {"role-databases": {"role": "not synced", "cluster": "a"}}
    with pytest.raises(BackupError, match=r"ctl-1 is silent \(.*\), ctl-2 is not synced") as none:
        copying.source(databases(), MEMBERS)
    assert none.value.fault is BackupFault.SILENT


def test_a_member_is_told_which_databases_are_meant(
    hosts: FakeBackupHosts, copying: HostCopying
) -> None:
    hosts.answers = {"back-up-databases": {"data_id": "d", "manifest_id": "m", "size_bytes": 5}}
    copy = copying.back_up(databases(), MEMBERS[1], store=STORE, run="r1", at=AT)
    assert (copy.subject, copy.host, copy.whole) == ("openstack/city", "ctl-2", True)
    ((name, request),) = hosts.asked
    assert name == "ctl-2"
    assert request["instance"] == {"name": "", "port": 3306, "databases": list(NAMES)}


def test_what_came_back_is_counted_in_the_databases_of_the_copy(
    hosts: FakeBackupHosts, restores: HostRestores
) -> None:
    """The site may declare others by now: those were never in it."""
    like = Facts(
        tables={"keystone.user": TableFacts(rows=1, checksum="1")},
        properties={"definitions of glance": "tables 0", "definitions of keystone": "tables 1"},
    )
    place = Place(
        server="dr-spare-1",
        instance=Instance(databases=NAMES, name="restored", port=13306),
        make=True,
    )
    hosts.answers = {"facts-databases": {"tables": {}, "properties": {}}}
    restores.facts(place, server=MEMBERS[0], like=like)
    ((_, request),) = hosts.asked
    assert request["databases"] == ["glance", "keystone"]
    assert request["place"]["name"] == "restored"
