"""A playbook's run tells single hosts what is for them alone, and keeps a run's own secrets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from orchestrator.model.hardware import HardwareLayer
from orchestrator.model.playbook import CataloguedPlaybook
from orchestrator.model.site import Site, SiteIdentity
from orchestrator.model.units import Secret, Text
from orchestrator.workflows.playbook import PlaybookPorts, PlaybookWork, carry_out, play
from tests.fakes.bmc_site import PROFILE, SecretsInMemory, server
from tests.fakes.memory_playbooks import FakeTask, MemoryPlaybooks
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

ENTRY = CataloguedPlaybook(
    name="services/provision-database",
    purpose=Text(zh="数据库", en="Databases"),
    disruptive=False,
    window=False,
    proof="none",
    minutes=1,
    secrets={"site_wide": "secret://site/wide"},
)
SERVERS = tuple(
    replace(server(name), address=ip_address(f"10.9.1.{number}"))
    for number, name in enumerate(("db-1", "db-2"), start=1)
)
SITE = Site(
    identity=SiteIdentity(name="town", display=Text(zh="镇", en="Town"), cloud="none"),
    regions=(),
    hardware=HardwareLayer(profiles=(PROFILE,), servers=SERVERS),
)
WORK = PlaybookWork(
    entry=ENTRY,
    servers=SERVERS,
    rehearse=False,
    variables={"db-1": {"port": 5501, "role": "primary"}},
    secrets={"password": Secret("of this run")},
)


def ports(playbooks: MemoryPlaybooks, lock: FakeLock) -> PlaybookPorts:
    refs = {server.ssh.key: "a private key" for server in SERVERS}
    return PlaybookPorts(
        playbooks=playbooks,
        secrets=SecretsInMemory({**refs, "secret://site/wide": "of the site"}),
        lock=lock,
        audit=FakeAudit(),
        clock=FakeClock(),
        places={},
    )


def test_a_host_gets_its_own_variables_and_the_run_its_own_secrets() -> None:
    playbooks = MemoryPlaybooks({ENTRY.file: (FakeTask(name="Write"),)})
    carry_out(SITE, WORK, ports(playbooks, FakeLock()), watch=lambda event: None)
    (job,) = playbooks.jobs
    first, second = job.hosts
    assert first.variables["port"] == 5501
    assert first.variables["role"] == "primary", "a run's word is above the site's"
    assert first.variables["site"] == "town"
    assert "port" not in second.variables and second.variables["role"] == "compute"
    opened = {name: secret.reveal() for name, secret in job.secrets.items()}
    assert opened == {"site_wide": "of the site", "password": "of this run"}


def test_a_run_within_a_longer_job_leaves_the_lock_to_it() -> None:
    lock = FakeLock()
    playbooks = MemoryPlaybooks({ENTRY.file: (FakeTask(name="Write"),)})
    of_job = ports(playbooks, lock)
    play(SITE, WORK, of_job, watch=lambda event: None)
    assert lock.held_for == []
    carry_out(SITE, WORK, of_job, watch=lambda event: None)
    assert lock.held_for == ["run services/provision-database"]
    assert [entry["act"] for entry in of_job.audit.entries] == [  # type: ignore[attr-defined] # the fake's
        "playbook-begin",
        "playbook-end",
    ] * 2
