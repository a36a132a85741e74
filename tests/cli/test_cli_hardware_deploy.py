"""`orchestrator hardware deploy` and `accept` on the small city, with its servers in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.adapters.signing import SiteSigner
from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.host import Ran
from orchestrator.model.site import SiteIdentity
from orchestrator.ports.deploy import DeployPorts
from orchestrator.workflows.accept import AcceptPorts
from tests.cli.conftest import edit
from tests.cli.test_cli_docs import documented_keys, keys_of
from tests.fakes.hosts_site import FakeMetal, metal

NAMES = ("cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2")
ONE_RACK = ("--rack", "r1")
METAL = """\
container=
cpus=64
memory_kib=536000000
disk_bytes=2000000000000
kernel_errors=0
memory_errors=0
loader=/usr/bin/stress-ng
"""


class PlayedWiring(MachineWiring):
    """A real machine but for Ironic, Glance and the hosts."""

    def __init__(self, world: FakeMetal) -> None:
        super().__init__({})
        self.world = world

    def deployment(self, directory: Path, identity: SiteIdentity, *, access: Access) -> DeployPorts:
        return self.world.ports()

    def acceptance(self, directory: Path, access: Access) -> tuple[AcceptPorts, Path]:
        ports = self.world.ports()
        made = AcceptPorts(
            hosts=ports.hosts,
            signer=SiteSigner(AnsibleVaultSecrets(directory)),
            clock=ports.clock,
            audit=ports.audit,
        )
        return made, directory / "reports"


@pytest.fixture
def world() -> FakeMetal:
    return metal(*NAMES)


@pytest.fixture
def hardware(site: Path, world: FakeMetal):
    """Return a function that runs one command on the city, whose hosts have addresses."""
    for bmcs, hosts in (("{11..13}", "{111..113}"), ("{21..22}", "{121..122}")):
        line = f'bmc: {{address: "10.9.0.{bmcs}", user: orchestrator, password: secret://bmc/city}}'
        edit(site / "hardware.yaml", line, f'{line}\n    address: "10.9.0.{hosts}"')
    AnsibleVaultSecrets(site).make_password()

    def run(*arguments: str) -> Result:
        line = ["hardware", *arguments, "--site", str(site)]
        return CliRunner().invoke(cli, line, obj=PlayedWiring(world))

    return run


def test_the_plan_is_shown_and_nothing_done_where_nobody_can_say_yes(hardware, world) -> None:
    said = hardware("deploy", *ONE_RACK)
    assert said.exit_code == 5 and "nothing was changed" in said.stderr
    assert "3 servers to work on, 4 at a time; nothing new is started after 1 failure." in (
        said.stdout
    )
    assert world.begun == []


def test_servers_are_deployed_and_a_second_run_finds_them_as_declared(hardware, world) -> None:
    done = hardware("deploy", "cmp-01", "sto-1", "--yes")
    assert done.exit_code == 0, done.output
    assert sorted(world.begun) == ["cmp-01", "sto-1"]
    again = hardware("deploy", "cmp-01", "sto-1", "--yes")
    assert again.exit_code == 0 and "Nothing to do." in again.stdout


def test_the_exit_code_tells_some_from_none(hardware, world) -> None:
    world.broken = {"cmp-02"}
    some = hardware("deploy", *ONE_RACK, "--yes", "--parallel", "1")
    assert some.exit_code == 6
    assert "1 done, 1 failed, 1 not started." in some.stdout
    assert "cmp-02: Ironic has it as deploy failed: no boot device" in some.stdout
    world.broken = {"cmp-02", "cmp-03"}
    assert hardware("deploy", "cmp-02", "cmp-03", "--yes", "--budget", "9").exit_code == 1


def test_what_is_refused_is_said_before_anything_is_done(hardware, world) -> None:
    refused = hardware("deploy", "cmp-01", "--image", "nixos", "--yes")
    assert refused.exit_code == 1 and "the site has no image nixos" in refused.stdout
    assert world.begun == []


@pytest.mark.parametrize("arguments", [(), ("cmp-01", "--role", "compute"), ("cmp-99",)])
def test_all_servers_are_never_meant_by_default(hardware, arguments) -> None:
    assert hardware("deploy", *arguments, "--yes").exit_code == 64
    assert hardware("accept", *arguments).exit_code == 64


def test_a_rebuild_says_that_it_destroys(hardware, world) -> None:
    world.is_active("cmp-01")
    assert "its disk is written anew" in hardware("deploy", "cmp-01", "--again").stdout


def test_deployment_for_machines_is_what_is_documented(hardware, world) -> None:
    world.broken = {"cmp-02"}
    done = hardware("deploy", *ONE_RACK, "--yes", "--image", "debian-12", "-o", "json")
    refused = hardware("deploy", "cmp-01", "--image", "nixos", "--yes", "-o", "json")
    known = documented_keys("hardware deploy")
    shown = {key for out in (done, refused) for key in keys_of(json.loads(out.stdout), known=known)}
    assert shown == known


def burning(status: int):
    def answer(server, command: str) -> Ran:
        return Ran(status=status if command.startswith("stress-ng") else 0, out=METAL)

    return answer


@pytest.mark.parametrize(("status", "code", "verdict"), [(0, 0, "pass"), (2, 1, "fail")])
def test_a_server_is_accepted_by_what_it_stood(hardware, world, status, code, verdict) -> None:
    world.is_active("cmp-01")
    world.answers = burning(status)
    done = hardware("accept", "cmp-01", "--minutes", "1", "-o", "json")
    assert done.exit_code == code, done.output
    (signed,) = json.loads(done.stdout)["reports"]
    assert signed["report"]["verdict"] == verdict


def test_a_server_that_is_silent_is_named_and_the_others_are_tested(hardware, world) -> None:
    world.is_active("cmp-02")
    world.answers = burning(0)
    done = hardware("accept", "cmp-01", "cmp-02", "--minutes", "1", "-o", "json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["silent"] == {"cmp-01": "cmp-01: does not answer"}
    assert [one["report"]["server"] for one in told["reports"]] == ["cmp-02"]
    known = documented_keys("hardware accept")
    assert set(keys_of(told, known=known)) == known


def test_a_written_report_is_proved_and_a_changed_one_refused(hardware, world, site) -> None:
    world.is_active("cmp-01")
    world.answers = burning(2)
    assert hardware("accept", "cmp-01", "--minutes", "1").exit_code == 1
    file = site / "reports" / "cmp-01.json"
    assert hardware("accept", "--verify", str(file)).exit_code == 0
    edit(file, "it computed or stored something wrong", "stood it for 20 s")
    assert hardware("accept", "--verify", str(file)).exit_code == 1
    page = (site / "reports" / "cmp-01.html").read_text()
    assert "<script" not in page and "it computed or stored something wrong" in page
