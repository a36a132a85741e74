"""The network layer from end to end, on real sshd, nft and FRR: plan, apply, drift, mend."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.main import cli
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.network import Device, Platform
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.planning.network_slice import reachable_devices
from orchestrator.spec.load import load_site
from tests.contract.linux_devices import LinuxDevice, lacking, running_device
from tests.contract.own_subnet import own_subnet

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(lacking("vtysh", "openssl")), reason=lacking("vtysh", "openssl")),
    pytest.mark.timeout(300),
]

CITY = Path(__file__).parents[2] / "inventory" / "yangzhou"
REGION = "baoying"
PASSWORD = "not-a-secret"
FIRST_NUMBER = 20


class Town:
    """A copy of the city's files, one county's devices as namespaces, and the command line."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.site = folder / "site"
        shutil.copytree(CITY, self.site, ignore=shutil.ignore_patterns(".*", "*.vault.yaml"))
        password = self.site / ".vault-password"
        password.touch(mode=0o600)
        password.write_text("not a secret\n")
        # This machine is where the devices are administered from: their rules must let it in.
        (self.site / "network" / "this-machine.yaml").write_text(
            f"prefixes:\n  - {{prefix: {own_subnet()}.0/24, region: {REGION}, zone: mgmt, "
            "role: management}\n"
        )
        site = load_site(self.site).site
        assert site is not None
        declared = [
            device
            for device in reachable_devices(site)
            if site.region_of_rack(device.rack) == REGION
        ]
        self.devices = {
            device.name: stack.enter_context(_running(folder / "devices", number, device))
            for number, device in enumerate(declared, FIRST_NUMBER)
        }
        AnsibleVaultSecrets(self.site, None).put(
            {
                device.login.password: Secret(PASSWORD)
                for device in declared
                if device.login and device.login.password
            }
        )
        self.endpoints: dict[str, Json] = {
            str(device.address): {"host": self.devices[device.name].address, "port": 22}
            for device in declared
        }
        self.addresses = {device.name: str(device.address) for device in declared}
        self._file = folder / "endpoints.json"

    def declared(self, words: str) -> tuple[Path, str]:
        """Return the file of the site that says these words, and its text."""
        (file,) = [each for each in self.site.rglob("*.yaml") if words in each.read_text()]
        return file, file.read_text()

    def give(self, reference: str) -> None:
        """Give the device's password under another name."""
        AnsibleVaultSecrets(self.site, None).put({SecretRef(reference): Secret(PASSWORD)})

    def run(self, *arguments: str) -> Result:
        self._file.write_text(json.dumps({"ssh": self.endpoints}))
        wiring = MachineWiring({"ORCHESTRATOR_ENDPOINTS": str(self._file)})
        scope = ("--layer", "network", "--region", REGION)
        return CliRunner().invoke(cli, [*arguments, str(self.site), *scope], obj=wiring)

    def network(self, command: str, *arguments: str) -> Result:
        self._file.write_text(json.dumps({"ssh": self.endpoints}))
        wiring = MachineWiring({"ORCHESTRATOR_ENDPOINTS": str(self._file)})
        names = [] if any(not each.startswith("-") for each in arguments) else [*self.devices]
        words = ["network", command, *arguments, *names, "--site", str(self.site)]
        return CliRunner().invoke(cli, words, obj=wiring)

    def drifts(self) -> dict[str, dict[str, Json]]:
        """Return, by device, the observed attributes that differ."""
        shown = self.run("drift", "-o", "json")
        assert shown.exit_code == 0, shown.output
        return {
            each["name"]: {one["path"]: one for one in each["attributes"]} | {"gone": each["gone"]}
            for each in json.loads(shown.stdout)["drifts"]
        }


def _running(folder: Path, number: int, device: Device) -> AbstractContextManager[LinuxDevice]:
    users = {device.login.user: PASSWORD} if device.login else {}
    frr = device.platform is Platform.FRR
    return running_device(folder / device.name, number, frr=frr, users=users)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with ExitStack() as stack:
        town = Town(tmp_path_factory.mktemp("net"), stack)
        planned = town.run("plan")
        assert planned.exit_code == 0, planned.output
        assert planned.stdout.splitlines()[-1].endswith("without a login, compiled only.")
        applied = town.run("apply", "--yes")
        assert applied.exit_code == 0, applied.output
        yield town


def firewall(town: Town) -> tuple[str, LinuxDevice]:
    return next((name, device) for name, device in town.devices.items() if not device.frr)


def router(town: Town) -> tuple[str, LinuxDevice]:
    return next((name, device) for name, device in town.devices.items() if device.frr)


def test_the_devices_own_tools_show_what_is_declared(town: Town) -> None:
    assert "hook forward priority filter; policy drop;" in firewall(town)[1].by_hand(
        "nft list ruleset"
    )
    assert "router bgp 65003" in router(town)[1].by_hand("vtysh -c 'show running-config'")


def test_the_second_plan_is_empty(town: Town) -> None:
    planned = town.run("plan", "--detailed-exitcode")
    assert planned.exit_code == 0, planned.output
    assert "Nothing to do" in planned.stdout


def test_a_rule_added_by_hand_is_named_and_taken_away(town: Town) -> None:
    name, device = firewall(town)
    device.by_hand("nft insert rule inet orchestrator_zones forward tcp dport 23 accept")
    found = town.drifts()
    assert set(found) == {f"device/{name}"}
    assert found[f"device/{name}"]["configuration"]["lines_come"] == [
        "table inet orchestrator_zones / chain forward / tcp dport 23 accept"
    ]
    assert (
        "+ table inet orchestrator_zones / chain forward / tcp dport 23" in town.run("drift").stdout
    )

    assert town.run("apply", "--yes").exit_code == 0
    assert "dport 23 accept" not in device.by_hand("nft list ruleset")
    assert town.drifts() == {}


def test_rules_in_another_order_are_drift_and_are_put_right(town: Town) -> None:
    name, device = firewall(town)
    listed = device.by_hand("nft -s list table inet orchestrator_zones")
    chain = listed[listed.index("chain forward") :]
    first = next(line for line in chain.splitlines() if "@flows" in line).strip()
    handle = device.by_hand(
        f"nft -s -a list chain inet orchestrator_zones forward | grep -F '{first}'"
    )
    number = handle.split("# handle")[1].strip()
    device.by_hand(f"nft delete rule inet orchestrator_zones forward handle {number}")
    device.by_hand(f"nft add rule inet orchestrator_zones forward '{first}'")
    found = town.drifts()[f"device/{name}"]["configuration"]
    assert (found["lines_gone"], found["lines_come"]) == ([], [])
    assert "the order of the lines" in town.run("drift").stdout
    assert town.run("apply", "--yes").exit_code == 0
    assert town.drifts() == {}


def test_a_line_removed_by_hand_is_named_and_put_back(town: Town) -> None:
    name, device = router(town)
    neighbor = next(
        line.split()[1]
        for line in device.by_hand("vtysh -c 'show running-config'").splitlines()
        if line.startswith(" neighbor ")
    )
    device.by_hand(
        f"vtysh -c 'configure terminal' -c 'router bgp 65003' -c 'no neighbor {neighbor} timers'"
    )
    found = town.drifts()
    assert found[f"device/{name}"]["configuration"]["lines_gone"] == [
        f"router bgp 65003 / neighbor {neighbor} timers 3 9"
    ]
    assert town.run("apply", "--yes").exit_code == 0
    assert town.drifts() == {}


def test_what_runs_but_was_not_saved_is_drift_and_is_saved(town: Town) -> None:
    name, device = router(town)
    device.by_hand("sed -i '/timers 3 9/d' /etc/frr/frr.conf")
    assert set(town.drifts()[f"device/{name}"]) == {"saved", "gone"}
    assert town.run("apply", "--yes").exit_code == 0
    assert "timers 3 9" in device.by_hand("cat /etc/frr/frr.conf")
    assert town.drifts() == {}


def test_a_silent_device_is_unknown_and_fails_only_itself(town: Town) -> None:
    name, device = firewall(town)
    other = router(town)[1]
    device.power_off()
    try:
        found = town.drifts()[f"device/{name}"]
        assert found["gone"] is False
        assert found["answers"]["new"] is False
        assert found["fault"]["new"].startswith("silent: does not answer at")

        other.by_hand("vtysh -c 'configure terminal' -c 'ip route 203.0.113.0/24 blackhole'")
        applied = town.run("apply", "--yes", "-o", "json")
        (result,) = json.loads(applied.stdout)["results"]
        assert [each["name"] for each in result["failures"]] == [f"device/{name}"]
        assert "203.0.113.0" not in other.by_hand("vtysh -c 'show running-config'")
    finally:
        device.power_on()
    assert town.drifts() == {}, "it booted what was confirmed"


def test_another_host_key_is_refused_with_both_fingerprints(town: Town) -> None:
    name, device = firewall(town)
    known = (device.folder / "hostkey").read_text()
    device.power_off()
    device.new_host_key()
    device.power_on()
    try:
        reason = town.drifts()[f"device/{name}"]["fault"]["new"]
        assert reason.startswith("host-key: ")
        assert reason.count("SHA256:") == 2
        device.by_hand("nft flush ruleset")
        applied = town.run("apply", "--yes")
        assert applied.exit_code != 0
        assert "Nothing was sent" in applied.output
        assert "orchestrator_zones" not in device.by_hand("nft list ruleset")
    finally:
        (device.folder / "hostkey").write_text(known)
        device.power_off()
        device.power_on()
    assert town.drifts() == {}


def test_diff_and_backup_look_at_the_devices_themselves(town: Town) -> None:
    name, device = router(town)
    same = town.network("diff")
    assert same.exit_code == 0, same.output
    assert f"{len(town.devices)} devices: {len(town.devices)} as declared, 0 not." in same.stdout

    assert town.network("backup", name).exit_code == 0
    device.by_hand("vtysh -c 'configure terminal' -c 'ip route 203.0.113.0/24 blackhole'")
    differs = town.network("diff", name)
    assert differs.exit_code == 2
    assert "\n+ip route 203.0.113.0/24 blackhole\n" in differs.stdout
    (shown,) = json.loads(town.network("diff", name, "-o", "json").stdout)
    assert (shown["verdict"], shown["missing"]) == ("differs", [])
    assert shown["extra"] == ["ip route 203.0.113.0/24 blackhole"]

    assert town.network("backup", name).exit_code == 0
    compared = town.network("backups", name, "--diff")
    assert compared.exit_code == 2
    assert "\n+ip route 203.0.113.0/24 blackhole\n" in compared.stdout
    assert town.run("apply", "--yes").exit_code == 0
    assert town.network("diff").exit_code == 0


def test_a_login_without_a_secret_fails_only_itself_and_a_new_login_is_an_update(
    town: Town,
) -> None:
    name, _ = firewall(town)
    rules = router(town)[1]
    file, declared = town.declared(f"secret://network/{name}")
    file.write_text(declared.replace(f"secret://network/{name}", f"secret://network/{name}-new"))
    rules.by_hand("vtysh -c 'configure terminal' -c 'ip route 203.0.113.0/24 blackhole'")
    planned = json.loads(town.run("plan", "-o", "json").stdout)
    (change,) = [
        each
        for step in planned["steps"]
        for each in step["changes"]
        if each["name"] == f"device/{name}"
    ]
    assert change["action"] == "update"

    applied = town.run("apply", "--yes", "-o", "json")
    (result,) = json.loads(applied.stdout)["results"]
    (failure,) = result["failures"]
    assert failure["name"] == f"device/{name}"
    assert f"secret://network/{name}-new" in failure["reason"]
    assert "203.0.113.0" not in rules.by_hand("vtysh -c 'show running-config'")

    town.give(f"secret://network/{name}-new")
    assert town.run("apply", "--yes").exit_code == 0
    assert "Nothing to do" in town.run("plan").stdout
    file.write_text(declared)
    assert town.run("apply", "--yes").exit_code == 0


def test_diff_of_a_silent_device_is_unknown(town: Town) -> None:
    name, _ = router(town)
    known = town.endpoints[town.addresses[name]]
    town.endpoints[town.addresses[name]] = {"host": "127.0.0.1", "port": 9}
    try:
        found = town.network("diff")
    finally:
        town.endpoints[town.addresses[name]] = known
    assert found.exit_code == 6
    assert "unknown" in found.stdout
    assert "does not answer at 127.0.0.1:9" in found.stdout


def test_no_secret_is_in_state_or_backups(town: Town) -> None:
    files = [path for path in (town.site / ".orchestrator").rglob("*") if path.is_file()]
    assert any("backups" in path.parts for path in files)
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    private = [path for path in files if "backups" in path.parts]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
