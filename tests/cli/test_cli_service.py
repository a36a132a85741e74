"""`orchestrator service` on the test city, with databases and playbooks in memory."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.adapters.site_ca import SiteAuthority
from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.inventory import PowerAct, PowerState
from orchestrator.model.service_state import Term
from orchestrator.model.site import SiteIdentity
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports.bmc import HardwarePorts, SwitchPower
from orchestrator.workflows.playbook import PlaybookPorts
from orchestrator.workflows.services import ServicePorts
from tests.cli.test_cli_docs import documented_keys, keys_of
from tests.fakes.memory_playbooks import FakeTask, MemoryPlaybooks
from tests.fakes.powered_bmcs import PoweredBmcs
from tests.fakes.service_site import (
    PRIMARY,
    REPLICA,
    STOPPED,
    TESTS,
    FakeDatabases,
)
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

NAME = "gongan/population"
VOTERS = ("db-1", "db-2", "dr-db-1", "dr-bak-1")
PLAYBOOK = "services/provision-database.yml"


class ServiceWiring(MachineWiring):
    """The machine's own wiring, but for hosts."""

    def __init__(self, databases: FakeDatabases) -> None:
        super().__init__({})
        self.databases = databases
        self.played = MemoryPlaybooks({PLAYBOOK: (FakeTask(name="Make", changes=True),)})
        self.audit = FakeAudit()
        self.bmcs = PoweredBmcs()

    def hardware(self, directory: Path, access: Access) -> HardwarePorts:
        return replace(super().hardware(directory, access), bmcs=self.bmcs, audit=self.audit)

    def services(self, directory: Path, identity: SiteIdentity, *, access: Access) -> ServicePorts:
        vault = self.vault(directory, access.vault_password_file)
        playbooks = PlaybookPorts(
            playbooks=self.played,
            secrets=vault,
            lock=FakeLock(),
            audit=self.audit,
            clock=FakeClock(),
            places={},
        )
        authority = SiteAuthority(identity.name, vault, FakeClock())
        return ServicePorts(playbooks=playbooks, databases=self.databases, authority=authority)


@dataclass
class City:
    site: Path
    wiring: ServiceWiring

    def run(self, verb: str, *rest: str) -> Result:
        words = ["service", verb, "--site", str(self.site), *rest]
        return CliRunner().invoke(cli, words, obj=self.wiring)


@pytest.fixture
def city(tmp_path: Path) -> City:
    site = tmp_path / "site"
    shutil.copytree(TESTS / "cases" / "_base", site)
    shutil.copytree(TESTS / "lab" / "service_city", site, dirs_exist_ok=True)
    vault = AnsibleVaultSecrets(site)
    vault.make_password()
    vault.put({SecretRef("secret://ssh/hosts"): Secret("a private key of the city")})
    clusters = {"db-1": PRIMARY, "db-2": REPLICA, "dr-db-1": REPLICA}
    return City(site=site, wiring=ServiceWiring(FakeDatabases(clusters)))


def test_services_are_listed_and_shown_without_asking_a_host(city: City) -> None:
    listed = city.run("list", "-o", "json")
    assert listed.exit_code == 0
    found = json.loads(listed.stdout)["services"]
    assert len(found) == 6
    assert found[0]["cluster"] == "gongan__population"
    shown = city.run("show", NAME)
    assert shown.exit_code == 0
    assert "not shared: there is no exchange role" in shown.stdout


def test_another_engine_is_shown_and_not_run(city: City) -> None:
    file = city.site / "tenancy" / "lab.yaml"
    text = file.read_text()
    file.write_text(
        text.replace("port: 5501\n", 'port: 5501\n        engine: dm\n        version: "8"\n')
    )
    shown = city.run("show", NAME)
    assert "DM8 (达梦) 8" in shown.stdout and "not run here" in shown.stdout
    refused = city.run("apply", NAME, "--yes")
    assert refused.exit_code == 5
    assert "DM8 (达梦) is not run here" in refused.stdout
    assert city.wiring.played.jobs == []


def test_status_tells_by_its_exit_code(city: City) -> None:
    well = city.run("status", NAME)
    assert well.exit_code == 0 and "3 of 3 clusters ok" in well.stdout
    city.wiring.databases.clusters["dr-db-1"] = replace(REPLICA, streaming=False)
    partly = city.run("status", NAME, "-o", "json")
    assert partly.exit_code == 6
    clusters = json.loads(partly.stdout)["services"][0]["clusters"]
    assert [one["health"] for one in clusters] == ["ok", "ok", "lagging"]


def test_apply_hands_over_verifiers_and_no_password(city: City) -> None:
    city.wiring.databases.clusters = dict.fromkeys(
        ("db-1", "db-2", "dr-db-1"), replace(PRIMARY, service="")
    )
    refused = city.run("apply", NAME, "--yes")
    assert refused.exit_code == 5 and "of others" in refused.stdout
    city.wiring.databases.clusters = {"db-1": PRIMARY, "db-2": REPLICA, "dr-db-1": REPLICA}
    trust(city)
    done = city.run("apply", NAME, "--yes")
    assert done.exit_code == 0, done.output
    (job,) = city.wiring.played.jobs
    told = job.secrets["verifiers_gongan__population"].reveal()
    assert told.count("SCRAM-SHA-256$4096:") == 3
    vault = AnsibleVaultSecrets(city.site)
    for role in ("owner", "app", "auditor"):
        login, _, password = (
            vault.get(SecretRef(f"secret://service/{NAME}/{role}")).reveal().partition(":")
        )
        assert login == f"{role}_a" and len(password) >= 32
        assert password not in told and password not in str(job) and password not in done.output
    assert SecretRef(f"secret://service/{NAME}/exchange") not in vault.names()
    again = city.run("apply", NAME, "--yes")
    assert again.exit_code == 0
    assert city.wiring.played.jobs[1].secrets["verifiers_gongan__population"].reveal() == told


def test_a_witness_that_got_nothing_is_said_and_not_called_done(city: City) -> None:
    trust(city)
    city.wiring.databases.silent = {"dr-bak-1"}
    done = city.run("apply", NAME, "--yes")
    assert done.exit_code == 6 and "dr-bak-1 does not answer: as a witness" in done.stderr
    city.wiring.databases.silent = set()
    assert city.run("apply", NAME, "--yes").exit_code == 0


def test_nobody_to_ask_is_a_no(city: City) -> None:
    refused = city.run("switchover", NAME)
    assert refused.exit_code == 5
    assert city.wiring.databases.acts == []


def test_a_switchover_is_shown_done_and_in_the_audit_log(city: City) -> None:
    done = city.run("switchover", NAME, "--yes", "-o", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["from"], told["primary"], told["promoted"]) == ("db-1", "db-2", True)
    assert [entry["act"] for entry in city.wiring.audit.entries] == ["switch-begin", "switch-end"]
    nothing = city.run("switchover", NAME, "--to", "db-2", "--yes")
    assert nothing.exit_code == 0 and "nothing to do" in nothing.stdout


def lost_primary(city: City, **power: PowerState) -> None:
    """Let db-1 not answer, and its BMC say this."""
    databases = city.wiring.databases
    databases.terms = dict.fromkeys(VOTERS, Term(number=1, leader="db-1"))
    databases.silent = {"db-1"}
    for name in ("db-2", "dr-db-1"):
        databases.clusters[name] = replace(REPLICA, streaming=False, upstream="")
    city.wiring.bmcs.states = {name.replace("_", "-"): state for name, state in power.items()}


def test_a_failover_says_what_it_may_cost_before_it_asks(city: City) -> None:
    lost_primary(city)
    asked = city.run("failover", NAME, "--to", "db-2")
    assert asked.exit_code == 5 and city.wiring.databases.acts == []
    assert "is lost with it" in asked.output and "two primaries" in asked.output
    assert "the BMC of db-1 does not answer" in asked.output


@pytest.mark.parametrize("more", [(), ("--force",)])
def test_a_lost_host_that_is_on_is_not_replaced_beside_it(
    city: City, more: tuple[str, ...]
) -> None:
    lost_primary(city, db_1=PowerState.ON)
    refused = city.run("failover", NAME, "--to", "db-2", "--yes", *more)
    assert refused.exit_code == 5 and "--fence" in refused.output
    assert city.wiring.databases.acts == [] and city.wiring.bmcs.acts == []


def test_a_bmc_whose_password_is_missing_stands_in_nobodys_way(city: City) -> None:
    lost_primary(city)
    city.wiring.bmcs.locked = {"db-1"}
    fenced = city.run("failover", NAME, "--to", "db-2", "--yes", "--fence")
    assert fenced.exit_code == 1 and "db-1 was not seen to be off" in fenced.output
    assert city.wiring.databases.acts == []
    done = city.run("failover", NAME, "--to", "db-2", "--yes")
    assert done.exit_code == 6 and "Whether db-1 is off is not known" in done.output


def test_fenced_it_is_off_before_another_one_leads(city: City) -> None:
    lost_primary(city, db_1=PowerState.ON)
    done = city.run("failover", NAME, "--to", "db-2", "--yes", "--fence", "-o", "json")
    assert done.exit_code == 6, done.output  # db-1 is out of reach
    assert "1. switch db-1 off by its BMC" in done.stderr
    told = json.loads(done.stdout)
    assert (told["primary"], told["fenced"]) == ("db-2", ["db-1"])
    assert city.wiring.bmcs.acts == [("db-1", SwitchPower(act=PowerAct.OFF, forced=True))]
    acts = [entry["act"] for entry in city.wiring.audit.entries]
    assert acts == ["fence-begin", "fence-end", "switch-begin", "switch-end"]


@pytest.mark.parametrize("stuck", [True, False])
def test_nobody_leads_where_the_lost_host_was_not_seen_to_be_off(city: City, stuck: bool) -> None:
    lost_primary(city, **({"db_1": PowerState.ON} if stuck else {}))
    city.wiring.bmcs.stuck = stuck
    failed = city.run("failover", NAME, "--to", "db-2", "--yes", "--fence")
    assert failed.exit_code == 1 and "not seen to be off" in failed.output
    assert city.wiring.databases.acts == []


def test_a_host_that_is_off_is_passed_over_in_silence(city: City) -> None:
    lost_primary(city, db_1=PowerState.OFF)
    done = city.run("failover", NAME, "--to", "db-2", "--yes")
    assert done.exit_code == 6 and "two primaries" not in done.output
    assert city.wiring.bmcs.acts == []


def test_a_connection_never_shows_its_password(city: City) -> None:
    vault = AnsibleVaultSecrets(city.site)
    vault.put({SecretRef(f"secret://service/{NAME}/app"): Secret("app_b:hidden-word")})
    shown = city.run("connection", NAME, "-o", "json")
    assert shown.exit_code == 0 and "hidden-word" not in shown.output
    told = json.loads(shown.stdout)
    assert told["login"] == "app_b" and told["secret"] == f"secret://service/{NAME}/app"
    assert told["connection"].startswith("postgresql://app_b@10.9.2.31:5501,10.9.2.32:5501,")
    assert "sslmode=verify-full" in told["connection"]
    wrong = city.run("connection", NAME, "--role", "exchange")
    assert wrong.exit_code == 64 and "has no role `exchange`" in wrong.output


def test_names_that_are_none_get_a_guess(city: City) -> None:
    wrong = city.run("show", "gongan/populaton")
    assert wrong.exit_code == 64 and "Did you mean `gongan/population`?" in wrong.output
    host = city.run("switchover", NAME, "--to", "db-9", "--yes")
    assert host.exit_code == 64 and "is not on `db-9`" in host.output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("service show", ("show", NAME)),
        ("service status", ("status", NAME)),
        ("service connection", ("connection", NAME)),
        ("service switchover", ("switchover", NAME, "--yes")),
    ],
)
def test_every_key_of_the_json_is_documented(
    city: City, command: str, words: tuple[str, ...]
) -> None:
    known = documented_keys(command)
    told = json.loads(city.run(*words, "-o", "json").stdout)
    found = set(keys_of(told, known=known))
    assert found <= known
    assert all("[]" in key for key in known - found), "only of lists that are empty here"


def test_a_rotation_lets_both_logins_in_until_the_old_one_is_retired(city: City) -> None:
    trust(city)
    assert city.run("apply", NAME, "--yes").exit_code == 0
    turned = city.run("rotate-password", NAME, "--yes")
    assert turned.exit_code == 0, turned.output
    assert "app_b is the login of app from now on" in turned.output
    both = city.wiring.played.jobs[-1]
    verifiers = both.secrets["verifiers_gongan__population"].reveal()
    assert "\\set app_a '" in verifiers and "\\set app_b '" in verifiers
    assert "app_a NOLOGIN" not in str(both.hosts)
    twice = city.run("rotate-password", NAME, "--yes")
    assert twice.exit_code == 5 and "app_a of gongan/population still works" in twice.output
    assert len(city.wiring.played.jobs) == 2, "nobody is shut out"
    retired = city.run("rotate-password", NAME, "--retire", "--yes")
    assert retired.exit_code == 0 and "app_a is retired" in retired.output
    last = city.wiring.played.jobs[-1]
    assert "app_a" not in last.secrets["verifiers_gongan__population"].reveal()
    assert "ALTER ROLE app_a NOLOGIN PASSWORD NULL" in str(last.hosts)
    ref = SecretRef(f"secret://service/{NAME}/app")
    assert AnsibleVaultSecrets(city.site).get(ref).reveal().startswith("app_b:")


def test_a_login_is_not_changed_while_hosts_cannot_follow(city: City) -> None:
    trust(city)
    assert city.run("apply", NAME, "--yes").exit_code == 0
    city.wiring.databases.clusters["db-1"] = STOPPED
    refused = city.run("rotate-password", NAME, "--yes")
    assert refused.exit_code == 5 and "its primary is not found" in refused.output
    ref = SecretRef(f"secret://service/{NAME}/app")
    assert AnsibleVaultSecrets(city.site).get(ref).reveal().startswith("app_a:")


def trust(city: City) -> None:
    """Let the hosts have a certificate of the site's authority: they cannot ask for one here."""
    vault = AnsibleVaultSecrets(city.site)
    city.wiring.databases.trusted = SiteAuthority("town", vault, FakeClock()).certificate()


def test_a_service_begins_anew_only_by_its_name(city: City) -> None:
    refused = city.run("apply", "--empty", "--yes")
    assert refused.exit_code == 64 and "needs the names of the services" in refused.output


def test_a_failover_says_who_did_not_hear_of_it(city: City) -> None:
    lost = replace(REPLICA, streaming=False, upstream="")
    waits = replace(STOPPED, clean=False, timeline=1, waits="it hears 1 of 4", reason="waits")
    city.wiring.databases.clusters = {"db-1": waits, "db-2": lost, "dr-db-1": lost}
    refused = city.run("failover", NAME, "--to", "db-1", "--yes")
    assert refused.exit_code == 5 and "--force" in refused.output
    done = city.run("failover", NAME, "--to", "db-1", "--force", "--yes", "-o", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["primary"], told["term"], told["voters_silent"]) == ("db-1", 1, [])
    assert city.wiring.databases.acts[0] == "start db-1"
