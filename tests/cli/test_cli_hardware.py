"""`orchestrator hardware` on the small city, whose BMCs are played on the loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports.bmc import HardwarePorts
from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.client import Limits
from tests.cli.conftest import edit
from tests.cli.test_cli_docs import documented_keys, keys_of
from tests.fakes.bmc_server import Bmc, BmcServers, bmc_servers

REFERENCE = SecretRef("secret://bmc/city")
OLD = "first-password"


class BriefWiring(MachineWiring):
    """The machine's own, but for how long a BMC is waited for."""

    def hardware(self, directory: Path, access: Access) -> HardwarePorts:
        ports = super().hardware(directory, access)
        limits = Limits(total_seconds=6, answer_seconds=3, goodbye_seconds=2)
        assert isinstance(ports.bmcs, RedfishBmcs)
        return replace(ports, bmcs=replace(ports.bmcs, limits=limits))


@dataclass
class SmallCity:
    """The site, its BMCs by server name, and the command line."""

    site: Path
    bmcs: dict[str, Bmc]
    servers: BmcServers

    @property
    def vault(self) -> AnsibleVaultSecrets:
        return AnsibleVaultSecrets(self.site)

    def run(self, *arguments: str) -> Result:
        reached = {
            address(name): {"url": bmc.url, "system_id": bmc.base}
            for name, bmc in self.bmcs.items()
        }
        endpoints = self.site.parent / "endpoints.json"
        endpoints.write_text(json.dumps({"bmc": reached}))
        wiring = BriefWiring({"ORCHESTRATOR_ENDPOINTS": str(endpoints)})
        line = ["hardware", *arguments, "--site", str(self.site)]
        return CliRunner().invoke(cli, line, obj=wiring)


def address(name: str) -> str:
    kind, number = name.split("-")
    return f"10.9.0.{int(number) + (10 if kind == 'cmp' else 20)}"


@pytest.fixture
def city(site: Path) -> Iterator[SmallCity]:
    computes = {
        f"cmp-0{n}": Bmc(
            manufacturer="Inspur",
            serial=f"SN-CMP-0{n}",
            macs=(f"0c:42:a1:00:00:0{n}", f"0c:42:a1:00:01:0{n}"),
        )
        for n in (1, 2, 3)
    }
    storage = {
        f"sto-{n}": Bmc(
            manufacturer="H3C",
            model="R4900",
            serial=f"SN-STO-{n}",
            threads=32,
            memory_gib=128,
            disks_gib=(20000, 20000),
            macs=(f"0c:42:a1:00:02:0{n}",),
        )
        for n in (1, 2)
    }
    vault = AnsibleVaultSecrets(site)
    vault.make_password()
    vault.put({REFERENCE: Secret(OLD)})
    with bmc_servers() as servers:
        made = computes | storage
        for bmc in made.values():
            servers.start(bmc)
        yield SmallCity(site=site, bmcs=made, servers=servers)


def test_a_sweep_of_a_city_as_declared_ends_with_0_and_leaves_no_session(
    city: SmallCity, tmp_path: Path
) -> None:
    out = tmp_path / "inventory.json"
    result = city.run("sweep", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "5 servers" in result.stdout and "5 pass, 0 fail, 0 unknown" in result.stdout
    written = json.loads(out.read_text())
    assert [one["inventory"]["serial"] for one in written["servers"]] == [
        "SN-CMP-01", "SN-CMP-02", "SN-CMP-03", "SN-STO-1", "SN-STO-2"
    ]  # fmt: skip
    assert [nic["mac"] for nic in written["servers"][3]["inventory"]["nics"]] == [
        "0c:42:a1:00:02:01"
    ]
    assert all(bmc.sessions == {} for bmc in city.bmcs.values())


def test_differences_end_with_2_and_are_summed_per_profile(city: SmallCity) -> None:
    city.bmcs["cmp-01"].memory_gib = city.bmcs["cmp-03"].memory_gib = 256
    city.bmcs["sto-1"].model = "R4700"
    result = city.run("sweep", "-o", "json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert told["summary"] == {"pass": 2, "fail": 3, "unknown": 0}
    assert [(one["profile"], one["fact"], one["servers"]) for one in told["profiles"]] == [
        ("compute-2u", "memory_gib", ["cmp-01", "cmp-03"]),
        ("storage-2u", "model", ["sto-1"]),
    ]


def test_a_bmc_that_is_silent_ends_with_6_and_the_rest_is_there(city: SmallCity) -> None:
    city.bmcs["cmp-02"].password = "changed by hand"
    result = city.run("sweep")
    assert result.exit_code == 6
    assert "cmp-02" in result.stdout and "login refused" in result.stdout
    assert "4 pass, 0 fail, 1 unknown" in result.stdout
    assert OLD not in result.output


def test_an_unknown_fact_is_not_called_as_declared(city: SmallCity) -> None:
    city.bmcs["cmp-02"].memory_gib = None
    result = city.run("sweep")
    assert result.exit_code == 6
    assert "memory_gib is unknown of 1 server: not told" in result.stdout


def test_a_sweep_in_which_nobody_answers_fails(city: SmallCity) -> None:
    for bmc in city.bmcs.values():
        bmc.password = "changed by hand"
    assert city.run("sweep").exit_code == 1


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2"]),
        (["--role", "storage"], ["sto-1", "sto-2"]),
        (["--rack", "r1"], ["cmp-01", "cmp-02", "cmp-03"]),
        (["--region", "city", "--rack", "r2"], ["sto-1", "sto-2"]),
        (["--rack", "r1", "--rack", "r2", "--role", "storage"], ["sto-1", "sto-2"]),
    ],
)  # fmt: skip
def test_the_list_is_of_those_that_are_meant(
    city: SmallCity, options: list[str], names: list[str]
) -> None:
    result = city.run("list", "-o", "json", *options)
    assert [one["server"] for one in json.loads(result.stdout)["servers"]] == names


@pytest.mark.parametrize(
    ("arguments", "guess"),
    [
        (["list", "--rack", "r11"], "Did you mean `r1`?"),
        (["sweep", "--region", "citi"], "Did you mean `city`?"),
        (["show", "cmp-1"], "Did you mean `cmp-01`?"),
        (["list", "--role", "backup"], "no declared server"),
    ],
)
def test_a_name_that_nobody_has_is_a_usage_error(
    city: SmallCity, arguments: list[str], guess: str
) -> None:
    result = city.run(*arguments)
    assert result.exit_code == 64
    assert guess in result.output


def test_show_tells_what_is_declared_and_live_what_is(city: SmallCity) -> None:
    city.bmcs["cmp-01"].inlet = None
    declared = city.run("show", "cmp-01")
    assert declared.exit_code == 0 and "SN-CMP-01" in declared.stdout
    assert city.bmcs["cmp-01"].calls.total() == 0
    live = city.run("show", "cmp-01", "--live")
    assert live.exit_code == 0, "no declared fact is about the inlet"
    assert "unknown: the intake sensor reads null" in live.stdout
    lines = [line.split() for line in live.stdout.splitlines()]
    assert ["bios.BootMode", "Uefi"] in lines, "a profile's `bios:` is written from this"
    as_data = json.loads(city.run("show", "cmp-01", "--live", "-o", "json").stdout)
    assert as_data["live"]["inventory"]["inlet_celsius"] is None
    assert as_data["live"]["unknown"] == {"inlet_celsius": "the intake sensor reads null"}


def test_power_goes_off_and_both_ends_of_the_act_are_in_the_audit_log(city: SmallCity) -> None:
    result = city.run("power", "cmp-01", "off", "--yes")
    assert (result.exit_code, result.stdout) == (0, "cmp-01 is off.\n")
    assert city.bmcs["cmp-01"].power == "Off"
    assert city.run("power", "cmp-01", "status").stdout == "cmp-01 is off.\n"
    log = (city.site / ".orchestrator" / "audit.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in log]
    assert [entry["act"] for entry in entries] == ["hardware-begin", "hardware-done"]
    assert entries[0]["facts"] == {"server": "cmp-01", "power": "off", "forced": False}


@pytest.mark.parametrize(
    "arguments",
    [
        ["power", "cmp-01", "off"],
        ["boot", "cmp-01", "pxe"],
        ["media", "cmp-01", "eject"],
        ["media", "cmp-01", "insert", "https://10.0.0.5/a.iso"],
    ],
)
def test_what_disturbs_a_server_is_refused_where_nobody_can_be_asked(
    city: SmallCity, arguments: list[str]
) -> None:
    result = city.run(*arguments)
    assert result.exit_code == 5
    assert "--yes" in result.output
    assert city.bmcs["cmp-01"].calls.total() == 0


def test_the_lamp_and_the_next_boot_are_set(city: SmallCity) -> None:
    assert city.run("led", "cmp-01", "on").stdout == "The lamp of cmp-01 is on.\n"
    assert city.bmcs["cmp-01"].led == "Lit"
    booted = city.run("boot", "cmp-01", "pxe", "--yes")
    assert (booted.exit_code, booted.stdout) == (0, "cmp-01 boots from pxe the next time.\n")
    assert city.bmcs["cmp-01"].boot["BootSourceOverrideTarget"] == "Pxe"
    assert city.bmcs["cmp-01"].boot["BootSourceOverrideEnabled"] == "Once"


@pytest.mark.parametrize("command", ["list", "sweep"])
def test_the_json_keys_are_those_of_the_document(city: SmallCity, command: str) -> None:
    city.bmcs["cmp-01"].memory_gib = 256
    city.bmcs["cmp-02"].password = "changed by hand"
    told = json.loads(city.run(command, "-o", "json").stdout)
    documented = documented_keys(f"hardware {command}")
    assert set(keys_of(told, known=documented)) == documented


def test_a_rotation_that_half_fails_is_finished_by_the_same_command(city: SmallCity) -> None:
    rotate = ("rotate-password", "--to", "bmc/city-2027", "--yes")
    city.bmcs["sto-1"].hangs_after = "PATCH"
    city.bmcs["sto-2"].sessions_most = 0
    # A BMC that hangs costs the time of one answer, one without sessions the whole budget.
    first = city.run(*rotate)
    assert first.exit_code == 6, first.output
    new = city.vault.get(SecretRef("secret://bmc/city-2027")).reveal()
    assert new not in first.output
    assert {bmc.password for name, bmc in city.bmcs.items() if name != "sto-2"} == {new}
    assert city.bmcs["sto-2"].password == OLD

    city.bmcs["sto-1"].hangs_after, city.bmcs["sto-2"].sessions_most = "", 8
    assert city.run("sweep").exit_code == 0, "both passwords are tried in between"
    second = city.run(*rotate)
    assert second.exit_code == 0, second.output
    assert city.bmcs["sto-2"].password == new

    edit(city.site / "hardware.yaml", "secret://bmc/city}", "secret://bmc/city-2027}")
    assert city.run("sweep").exit_code == 0
    assert all(bmc.sessions == {} for bmc in city.bmcs.values())


def test_an_image_is_inserted_told_and_ejected_with_both_ends_in_the_audit_log(
    city: SmallCity,
) -> None:
    url = "https://10.0.0.5/rescue.iso"
    inserted = city.run("media", "cmp-01", "insert", url, "--yes")
    assert (inserted.exit_code, inserted.stdout) == (0, f"cmp-01 Cd: {url}\ncmp-01 Usb: empty\n")
    told = json.loads(city.run("media", "cmp-01", "status", "-o", "json").stdout)
    assert told == {
        "server": "cmp-01",
        "media": [
            {"slot": "Cd", "types": ["CD", "DVD"], "image": url},
            {"slot": "Usb", "types": ["USBStick"], "image": None},
        ],
    }
    assert city.run("media", "cmp-01", "eject", "--yes").exit_code == 0
    assert city.bmcs["cmp-01"].images["Cd"] == ""
    log = (city.site / ".orchestrator" / "audit.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in log]
    assert [entry["act"] for entry in entries] == ["hardware-begin", "hardware-done"] * 2
    assert entries[1]["facts"] == {
        "server": "cmp-01", "media": "insert", "image": url, "seen": url
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["insert", "https://me:word@10.0.0.5/a.iso", "--yes"], 5),
        (["insert", "--yes"], 64),
        (["status", "https://10.0.0.5/a.iso"], 64),
    ],
)
def test_an_image_without_a_good_address_is_refused_before_a_bmc_is_asked(
    city: SmallCity, arguments: list[str], code: int
) -> None:
    assert city.run("media", "cmp-01", *arguments).exit_code == code
    assert city.bmcs["cmp-01"].calls.total() == 0


def test_the_factorys_logins_are_tried_only_when_asked_for_and_named_where_taken(
    city: SmallCity,
) -> None:
    city.bmcs["sto-1"].factory = ("admin", "Password@_")
    assert city.run("sweep").exit_code == 0
    assert set(city.bmcs["sto-1"].logins) == {OLD}
    result = city.run("sweep", "--factory-logins", "-o", "json")
    assert result.exit_code == 2
    (one,) = json.loads(result.stdout)["profiles"]
    assert (one["fact"], one["found"], one["servers"]) == (
        "factory_login", "taken: admin", ["sto-1"]
    )  # fmt: skip
    assert "Password@_" not in result.output
    assert city.bmcs["sto-2"].logins.count("Password@_") == 1
