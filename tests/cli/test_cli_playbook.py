"""`orchestrator playbook` and `orchestrator inventory` on the small city."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import LockHolder
from orchestrator.workflows.playbook import PlaybookPorts
from tests.cli.test_cli_docs import documented_keys, keys_of
from tests.fakes.memory_playbooks import FakeTask, MemoryPlaybooks
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

BASELINE = "system/apply-baseline"
WELL = (FakeTask(name="Write", changes=True), FakeTask(name="Look"))


class PlayWiring(MachineWiring):
    """The machine's own wiring, but for playbooks, which are played in memory."""

    def __init__(self, endpoints: Path) -> None:
        super().__init__({"ORCHESTRATOR_ENDPOINTS": str(endpoints)})
        self.playbooks_in_memory = MemoryPlaybooks({f"{BASELINE}.yml": WELL})
        self.lock, self.audit = FakeLock(), FakeAudit()
        self.time = FakeClock(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))

    def playbooks(self, directory: Path, access: Access) -> PlaybookPorts:
        return PlaybookPorts(
            playbooks=self.playbooks_in_memory,
            secrets=self.vault(directory, access.vault_password_file),
            lock=self.lock,
            audit=self.audit,
            clock=self.time,
            places=self.ssh_places(),
        )


@dataclass
class City:
    site: Path
    wiring: PlayWiring

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), obj=self.wiring)

    def play(self, verb: str, *options: str) -> Result:
        return self.run("playbook", verb, BASELINE, "--site", str(self.site), *options)

    def tasks(self, *tasks: FakeTask) -> None:
        self.wiring.playbooks_in_memory.playbooks = {f"{BASELINE}.yml": tasks}


@pytest.fixture
def city(site: Path) -> City:
    """Give the city addresses for its hosts."""
    text = (site / "hardware.yaml").read_text()
    addresses = {
        "name: cmp-{01..03}": 'name: cmp-{01..03}\n    address: "10.9.1.{11..13}"',
        "name: sto-{1..2}": 'name: sto-{1..2}\n    address: "10.9.1.{21..22}"',
    }
    for old, new in addresses.items():
        assert old in text
        text = text.replace(old, new)
    (site / "hardware.yaml").write_text(text)
    network = (site / "network.yaml").read_text()
    prefix = "  - {prefix: 10.9.0.0/24"
    assert prefix in network
    management = prefix.replace("10.9.0.0", "10.9.1.0") + (
        ", region: city, zone: mgmt, role: management, parent: 10.0.0.0/8}\n"
    )
    (site / "network.yaml").write_text(network.replace(prefix, management + prefix))
    vault = AnsibleVaultSecrets(site)
    vault.make_password()
    vault.put({SecretRef("secret://ssh/hosts"): Secret("a private key of the city")})
    endpoints = site.parent / "endpoints.json"
    endpoints.write_text(json.dumps({"ssh": {"10.9.1.21": {"host": "127.0.0.1", "port": 2222}}}))
    return City(site=site, wiring=PlayWiring(endpoints))


def hosts_of(result: Result) -> Mapping[str, str]:
    return {one["host"]: one["outcome"] for one in json.loads(result.stdout)["hosts"]}


def test_a_run_that_goes_well_ends_with_0_and_is_in_the_audit_log(city: City) -> None:
    result = city.play("run", "--yes")
    assert result.exit_code == 0, result.output
    assert "system/apply-baseline: done: 5 hosts" in result.stdout
    assert "Write" in result.stdout and "5  cmp-01, cmp-02, cmp-03 and 2 more" in result.stdout
    assert [entry["act"] for entry in city.wiring.audit.entries] == [
        "playbook-begin",
        "playbook-end",
    ]
    assert city.wiring.audit.entries[1]["facts"]["counts"]["changed"] == 5  # type: ignore[index, call-overload] # JSON
    assert city.wiring.lock.held_for == ["run system/apply-baseline"]


def test_hosts_are_reached_where_the_endpoints_say_and_no_secret_is_printed(city: City) -> None:
    result = city.play("run", "--yes", "-o", "json")
    logins = {
        host.name: (host.login.address, host.login.port, host.login.pinned_as)
        for host in city.wiring.playbooks_in_memory.jobs[0].hosts
        if host.login
    }
    assert logins["sto-1"] == ("127.0.0.1", 2222, "10.9.1.21")
    assert logins["cmp-01"] == ("10.9.1.11", 22, "10.9.1.11")
    assert "a private key of the city" not in result.output


def test_without_a_terminal_a_run_needs_yes_and_a_rehearsal_does_not(city: City) -> None:
    refused = city.play("run")
    assert refused.exit_code == 5 and "--yes" in refused.output
    assert city.wiring.playbooks_in_memory.jobs == []
    rehearsed = city.play("rehearse")
    assert rehearsed.exit_code == 0, rehearsed.output
    assert "Would change" in rehearsed.stdout
    assert city.wiring.playbooks_in_memory.changed == set()


def test_a_rehearsal_with_changes_ends_with_2_where_that_is_asked_for(city: City) -> None:
    assert city.play("rehearse", "--detailed-exitcode").exit_code == 2
    city.play("run", "--yes")
    assert city.play("rehearse", "--detailed-exitcode").exit_code == 0


def test_a_rehearsal_that_cannot_tell_ends_with_6(city: City) -> None:
    city.tasks(FakeTask(name="Act", rehearsable=False))
    result = city.play("rehearse")
    assert result.exit_code == 6
    assert "Cannot tell" in result.stdout


def test_a_rehearsal_that_tells_nothing_of_any_host_fails(city: City) -> None:
    away = frozenset({"cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2"})
    city.tasks(FakeTask(name="Act", rehearsable=False, unreachable=away - {"sto-1"}))
    assert city.play("rehearse").exit_code == 6
    city.tasks(FakeTask(name="Act", unreachable=away))
    assert city.play("rehearse").exit_code == 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [({"cmp-02"}, 6), ({"cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2"}, 1)],
)
def test_hosts_that_fail_are_named_with_their_reason(city: City, bad: set[str], code: int) -> None:
    city.tasks(FakeTask(name="Write", says="disk is full", fails_on=frozenset(bad)))
    result = city.play("run", "--yes")
    assert result.exit_code == code
    assert "cmp-02" in result.stdout and "failed" in result.stdout
    assert "failed: cmp-02: Write: disk is full" in result.stderr


def test_only_the_hosts_that_are_meant(city: City) -> None:
    assert set(hosts_of(city.play("run", "--yes", "--hosts", "cmp-01,sto-1", "-o", "json"))) == {
        "cmp-01",
        "sto-1",
    }
    assert set(hosts_of(city.play("run", "--yes", "--role", "storage", "-o", "json"))) == {
        "sto-1",
        "sto-2",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "system/aply-baseline"), "Did you mean `system/apply-baseline`?"),
        (("run", BASELINE, "--hosts", "cmp-1"), "Did you mean `cmp-01`?"),
        (("show", "nothing/at-all"), "there is no playbook"),
    ],
)
def test_a_name_that_nobody_has_is_a_usage_error(
    city: City, arguments: tuple[str, ...], said: str
) -> None:
    site = () if arguments[0] == "show" else ("--site", f"{city.site}")
    result = city.run("playbook", *arguments[:2], *site, *arguments[2:])
    assert result.exit_code == 64
    assert said in result.output


def test_a_host_without_an_address_is_not_called_done(city: City) -> None:
    file = city.site / "hardware.yaml"
    file.write_text(file.read_text().replace('    address: "10.9.1.{21..22}"\n', ""))
    result = city.play("run", "--yes")
    assert result.exit_code == 6
    assert "the site declares no `address`" in result.stdout
    file.write_text(file.read_text().replace('    address: "10.9.1.{11..13}"\n', ""))
    assert city.play("run", "--yes").exit_code == 5


def test_a_second_run_at_the_same_time_is_refused(city: City) -> None:
    city.wiring.lock.taken_by = LockHolder(
        who="li", host="ops1", pid=7, since="now", why="run system/apply-baseline"
    )
    assert city.play("run", "--yes").exit_code == 4
    assert city.wiring.playbooks_in_memory.jobs == []


def test_a_key_that_is_missing_is_said_before_anything_is_run(city: City) -> None:
    (city.site / "secrets.vault.yaml").unlink()
    result = city.play("run", "--yes")
    assert result.exit_code == 1
    assert "secret://ssh/hosts" in result.output
    assert city.wiring.playbooks_in_memory.jobs == []


@pytest.mark.parametrize("command", ["playbook list", "playbook show", "playbook run"])
def test_the_json_keys_are_those_of_the_document(city: City, command: str) -> None:
    city.tasks(FakeTask(name="Write", says="disk is full", fails_on=frozenset({"cmp-02"})))
    arguments = {
        "playbook list": ("playbook", "list"),
        "playbook show": ("playbook", "show", BASELINE),
        "playbook run": ("playbook", "run", BASELINE, "--site", str(city.site), "--yes"),
    }
    told = json.loads(city.run(*arguments[command], "-o", "json").stdout)
    documented = documented_keys(command)
    assert set(keys_of(told, known=documented)) == documented


# The inventory.


def ansible_s_view(inventory: Path) -> dict[str, dict[str, object]]:
    """Return what the real ansible-inventory reads."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(inventory), "--list"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(inventory.parent),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FATAL": "true",
        },
    )
    assert "WARNING" not in done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("form", ["yaml", "json", "script"])
def test_ansible_reads_the_inventory_as_it_is_meant(city: City, tmp_path: Path, form: str) -> None:
    if form == "script":
        answer = tmp_path / "answer.json"
        answer.write_text(city.run("inventory", str(city.site), "--list").stdout)
        file = tmp_path / "inventory.sh"
        file.write_text(f"#!/bin/sh\ncat {answer}\n")
        file.chmod(0o755)
    else:
        file = tmp_path / f"inventory.{form}"
        file.write_text(city.run("inventory", str(city.site), "-o", form).stdout)
    seen = ansible_s_view(file)
    variables = seen["_meta"]["hostvars"]
    assert isinstance(variables, dict)
    assert variables["sto-1"]["ansible_host"] == "127.0.0.1"
    assert variables["sto-1"]["ansible_port"] == 2222
    assert variables["cmp-02"]["ansible_host"] == "10.9.1.12"
    groups = {name: set(group.get("hosts", ())) for name, group in seen.items() if name != "_meta"}
    computes, storages = {"cmp-01", "cmp-02", "cmp-03"}, {"sto-1", "sto-2"}
    assert groups["role_compute"] == groups["rack_r1"] == computes
    assert groups["role_storage"] == groups["profile_storage_2u"] == storages
    assert groups["region_city"] == groups["room_hall"] == computes | storages
    assert groups["pair_leaf_1_leaf_2"] == computes | storages


def test_the_inventory_holds_no_secret_and_no_reference_to_a_password(city: City) -> None:
    for options in ((), ("--list",), ("-o", "json")):
        printed = city.run("inventory", str(city.site), *options).stdout
        assert "secret://" not in printed and "password" not in printed


def test_one_host_of_the_inventory(city: City) -> None:
    told = json.loads(city.run("inventory", str(city.site), "--host", "cmp-01").stdout)
    assert (told["ansible_host"], told["rack"], told["region"]) == ("10.9.1.11", "r1", "city")
    unknown = city.run("inventory", str(city.site), "--host", "cmp-1")
    assert unknown.exit_code == 64 and "Did you mean `cmp-01`?" in unknown.output
