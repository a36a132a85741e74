"""The room layer from end to end: planned, applied, changed by hand, put right, and one silent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import cli
from orchestrator.cli.wiring import MachineWiring
from orchestrator.lab.configs.snmp import SnmpContents
from orchestrator.lab.install import install_environment
from orchestrator.lab.settings import LabSettings
from orchestrator.lab.snmp_devices import devices_of_site
from orchestrator.model.readings import DeviceKind
from orchestrator.model.units import Json
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.kinds import PduKind
from orchestrator.providers.snmp.wire import SnmpWire
from orchestrator.spec.load import load_site
from tests.contract.snmp_agents import running_agents

pytestmark = pytest.mark.lab

CITY = Path(__file__).parents[2] / "inventory" / "yangzhou"
REGION = "gaoyou"
PDU = "gaoyou-r1-pdu-a"


class Town:
    """A copy of the city's files, its devices in the lab, and the command line."""

    def __init__(self, folder: Path, endpoints: dict[str, dict[str, Json]]) -> None:
        self.site = folder / "site"
        shutil.copytree(CITY, self.site, ignore=shutil.ignore_patterns(".*", "*.vault.yaml"))
        password = self.site / ".vault-password"
        password.touch(mode=0o600)
        password.write_text("not a secret\n")
        self.endpoints = endpoints
        self._file = folder / "endpoints.json"

    def run(self, *arguments: str, layered: bool = True) -> Result:
        if not layered:
            return self.run_words(*arguments, "--site", str(self.site))
        return self.run_words(*arguments, str(self.site), "--layer", "room", "--region", REGION)

    def run_words(self, *words: str) -> Result:
        self._file.write_text(json.dumps(self.endpoints))
        wiring = MachineWiring({"ORCHESTRATOR_ENDPOINTS": str(self._file)})
        return CliRunner().invoke(cli, words, obj=wiring)

    def pdu(self) -> PduKind:
        return PduKind(SnmpAccess(endpoints=self.endpoints, secrets=None), self.wire())  # type: ignore[arg-type] # no secret is needed

    def wire(self) -> SnmpWire:
        self._wire = SnmpWire()
        return self._wire

    def set_by_hand(self, oid: str, value: str) -> None:
        """Change one object of the PDU as `snmpset` would."""
        kind = self.pdu()
        address = "10.80.32.11"
        endpoint = kind._access.endpoint(PDU, address=address, login=LOGIN)
        self._wire.each([endpoint], lambda session: session.set({oid: value}))
        self._wire.close()


SITE = load_site(CITY).site
LOGIN = SITE.rooms_by_name["gaoyou-room"].snmp
OUTLET_3 = "1.3.6.1.4.1.318.1.1.12.3.4.1.1.2.3"
"""rPDUOutletConfigOutletName of outlet 3."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, lab_settings: LabSettings) -> Iterator[Town]:
    install_environment(lab_settings.venv, watch=lambda step: None)
    folder = tmp_path_factory.mktemp("town")
    devices = tuple(each for each in devices_of_site(SITE) if each.name.startswith(REGION))
    contents = SnmpContents(devices=devices)
    with running_agents(folder / "agents", lab_settings.venv, contents) as agents:
        town = Town(folder, {"snmp": dict(agents.endpoints["snmp"])})
        applied = town.run("apply", "--yes")
        assert applied.exit_code == 0, applied.output
        yield town


def test_the_second_plan_is_empty(town: Town) -> None:
    planned = town.run("plan", "--detailed-exitcode")
    assert planned.exit_code == 0, planned.output
    assert "Nothing to do" in planned.stdout


def test_an_outlet_renamed_by_hand_is_drift_and_is_put_right(town: Town) -> None:
    town.set_by_hand(OUTLET_3, "somebody's")
    drifted = town.run("drift", "-o", "json")
    (drift,) = json.loads(drifted.stdout)["drifts"]
    assert drift["name"] == f"pdu/{PDU}"
    assert "somebody's" in drifted.stdout

    mended = town.run("apply", "--yes")
    assert mended.exit_code == 0, mended.output
    assert town.run("plan", "--detailed-exitcode").exit_code == 0


def test_a_silent_device_fails_only_itself(town: Town) -> None:
    address = "10.80.32.11"
    known = town.endpoints["snmp"][address]
    town.endpoints["snmp"][address] = {"host": "127.0.0.1", "port": 9, "community": "x"}
    try:
        applied = town.run("apply", "--yes", "-o", "json")
        (result,) = json.loads(applied.stdout)["results"]
        assert [each["name"] for each in result["failures"]] == [f"pdu/{PDU}"]
        assert "did not answer" in result["failures"][0]["reason"]
    finally:
        town.endpoints["snmp"][address] = known
    assert town.run("apply", "--yes").exit_code == 0


def test_observe_says_pass_and_with_a_silent_sensor_unknown(town: Town) -> None:
    quiet = town.run("room", "observe", "--room", "gaoyou-room", layered=False)
    assert quiet.exit_code == 0, quiet.output
    assert "0 fail, 0 unknown" in quiet.stdout

    address = "10.80.34.101"
    known = town.endpoints["snmp"].pop(address)
    town.endpoints["snmp"][address] = {"host": "127.0.0.1", "port": 9, "community": "x"}
    shown = town.run("room", "observe", "--room", "gaoyou-room", "-o", "json", layered=False)
    town.endpoints["snmp"][address] = known
    assert shown.exit_code == 6
    verdicts = {each["rule"]: each["verdict"] for each in json.loads(shown.stdout)["verdicts"]}
    assert verdicts["WTR-01"] == "unknown"
    assert {each.value for each in DeviceKind} == {
        each["kind"] for each in json.loads(shown.stdout)["devices"]
    }
