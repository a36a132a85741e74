"""The parts of the lab's hosts that need neither root nor a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.render.lab import status_parts
from orchestrator.errors import LabError
from orchestrator.lab.clouds import write_endpoints
from orchestrator.lab.configs.shared import Lab
from orchestrator.lab.contents import DEFAULT_COMPUTES, DEFAULT_CONTENTS, hosts_of_site
from orchestrator.lab.health import Health, LabStatus, ServiceStatus
from orchestrator.lab.hosts.layers import layer_of
from orchestrator.lab.hosts.life import Power, hosts_status
from orchestrator.lab.hosts.network import bridge_name, socket_path
from orchestrator.lab.hosts.record import HostsRecord, read_hosts, write_hosts
from orchestrator.lab.hosts.root import network_unit
from orchestrator.lab.hosts.spec import HostSpec, chosen_servers
from orchestrator.lab.record import make_record
from orchestrator.lab.service_files import write_service_files
from orchestrator.lab.settings import SERVICES, LabSettings
from orchestrator.model.hardware import ServerRole
from orchestrator.spec.load import load_site
from tests.cli.printed import lines

ROOT = Path(__file__).parents[2]
EMPTY = HostsRecord(bridge="ol1", prefix="198.19.7.0/24", image="/images/a")


def spec(name: str) -> HostSpec:
    return HostSpec(name=name, address="10.9.0.111", user="orchestrator", public_key="ssh-x A")


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    return LabSettings(directory=tmp_path / "lab", venv=tmp_path / "venv")


def test_the_citys_default_hosts_are_of_each_role_and_in_racks_apart() -> None:
    servers = chosen_servers(load_site(ROOT / "inventory" / "yangzhou").site, ())
    roles = [server.role for server in servers]
    assert roles.count(ServerRole.DATABASE) == 4
    assert roles.count(ServerRole.BACKUP) == 2
    assert roles.count(ServerRole.COMPUTE) == 2
    assert roles.count(ServerRole.CONTROL) == 2
    databases = [server.rack for server in servers if server.role is ServerRole.DATABASE]
    assert len(set(databases)) == 4
    backups = [server.name for server in servers if server.role is ServerRole.BACKUP]
    assert backups == ["city-bak-01", "dr-bak-01"]
    assert all(server.address for server in servers)


def test_a_host_has_its_declared_address_and_reaches_those_of_its_neighbours() -> None:
    """A unit without the source address would let hosts in by an address that nobody declared."""
    told = replace(spec("a"), neighbours=("10.9.0.0/24", "10.10.0.0/24"))
    record = EMPTY.with_hosts([told])
    sections = network_unit(record.hosts[0], record).split("\n\n")
    assert "[Network]\nAddress=198.19.7.11/24" in sections[1]
    assert sections[2].strip() == "[Address]\nAddress=10.9.0.111/32"
    routes = [part.strip() for part in sections[3:]]
    assert routes == [
        f"[Route]\nDestination={network}\nPreferredSource=10.9.0.111" for network in told.neighbours
    ]


def test_a_host_without_a_declared_address_has_the_labs_alone() -> None:
    record = EMPTY.with_hosts([replace(spec("a"), address="")])
    assert "10." not in network_unit(record.hosts[0], record).replace("198.19.7", "")


def test_the_citys_hosts_know_the_networks_of_hosts_and_no_wider_ones(tmp_path: Path) -> None:
    site = load_site(ROOT / "inventory" / "yangzhou").site
    vault = AnsibleVaultSecrets(tmp_path)
    (host,) = hosts_of_site(site, vault, ["city-db-01"])
    assert {"10.16.40.0/21", "10.32.40.0/21"} < set(host.neighbours)
    assert "10.16.0.0/16" not in host.neighbours


def test_an_unknown_host_is_named_with_the_likely_one() -> None:
    site = load_site(ROOT / "tests" / "cases" / "_base").site
    assert [server.name for server in chosen_servers(site, ["sto-1", "sto-1"])] == ["sto-1"]
    with pytest.raises(LabError) as caught:
        chosen_servers(site, ["cmp-1"])
    assert "Did you mean `cmp-0" in caught.value.message


def test_a_site_without_default_hosts_is_not_taken_for_a_wish_to_remove_them() -> None:
    site = load_site(ROOT / "tests" / "cases" / "_base").site
    bare = replace(site, hardware=replace(site.hardware, servers=()))
    with pytest.raises(LabError, match="without being told its name"):
        chosen_servers(bare, ())


def test_hosts_that_stay_keep_their_addresses() -> None:
    first = EMPTY.with_hosts([spec("a"), spec("b"), spec("c")])
    assert [first.address(host) for host in first.hosts] == [
        "198.19.7.11", "198.19.7.12", "198.19.7.13",
    ]  # fmt: skip
    second = first.with_hosts([spec("c"), spec("d")])
    assert {host.spec.name: host.number for host in second.hosts} == {"c": 13, "d": 11}
    with pytest.raises(LabError):
        EMPTY.with_hosts([spec(f"h{n}") for n in range(241)])


def test_the_record_of_the_hosts_comes_back_as_written(tmp_path: Path) -> None:
    record = EMPTY.with_hosts([spec("a")])
    assert read_hosts(tmp_path) is None
    write_hosts(tmp_path, record)
    assert read_hosts(tmp_path) == record


def test_two_labs_have_two_bridges_with_names_that_the_kernel_takes(tmp_path: Path) -> None:
    one, two = bridge_name(tmp_path / "a"), bridge_name(tmp_path / "b")
    assert one != two and len(one) <= 15
    assert len(str(socket_path(tmp_path / ("long" * 50)))) < 100


def test_endpoints_lead_a_declared_host_to_where_it_is(settings: LabSettings) -> None:
    record = make_record(settings)
    hosts = EMPTY.with_hosts([spec("a"), replace(spec("b"), address="")])
    first, second = DEFAULT_CONTENTS.bmcs[:2]
    bmcs = [replace(first, host="10.9.0.111"), replace(second, host="10.9.0.112")]
    write_endpoints(settings, record, bmcs, hosts=hosts)
    reached = json.loads(settings.endpoints.read_text())["ssh"]
    assert reached == {
        "10.9.0.111": {"host": "198.19.7.11", "port": 22},
        "10.9.0.112": {"host": "127.0.0.1", "port": 9},
    }, "a host that does not run is not looked for at its declared address"


def test_new_hosts_change_what_the_bmcs_and_ironic_are_told_and_nobody_else(
    settings: LabSettings,
) -> None:
    lab = Lab(settings=settings, record=make_record(settings))
    bmcs = DEFAULT_CONTENTS.bmcs
    without = write_service_files(lab, bmcs, DEFAULT_COMPUTES)
    told = write_service_files(lab, bmcs, DEFAULT_COMPUTES, hosts=EMPTY.with_hosts([spec("a")]))
    assert {name for name in SERVICES if told[name] != without[name]} == {"bmc", "ironic"}


def test_without_their_supervisor_the_power_of_hosts_is_unknown(settings: LabSettings) -> None:
    write_hosts(settings.hosts, EMPTY.with_hosts([spec("a")]))
    (status,) = hosts_status(settings)
    assert (status.power, status.image) == (Power.UNKNOWN, "unknown")


def test_a_lab_with_hosts_of_which_nothing_is_known_is_not_called_up(
    settings: LabSettings,
) -> None:
    write_hosts(settings.hosts, EMPTY.with_hosts([spec("a")]))
    runs = ServiceStatus(
        service="keystone", health=Health.RUNNING, url="", pid=1, log=Path("log"), memory_mib=9
    )
    lost = LabStatus(directory=settings.directory, services=(runs,), hosts=hosts_status(settings))
    assert "The lab is up" in " ".join(lines(status_parts(replace(lost, hosts=()))))
    said = " ".join(lines(status_parts(lost)))
    assert "nothing is known" in said and "The lab is up" not in said


def image(folder: Path, content: bytes, *, distro: str = "debian") -> dict[str, str]:
    file = folder / "image"
    file.write_bytes(content)
    return {
        "name": "i", "distro": distro, "version": "12", "sha256": "5f", "file": str(file),
    }  # fmt: skip


def test_a_placeholder_is_stood_in_for_by_the_same_system_only(tmp_path: Path) -> None:
    assert layer_of(EMPTY, tmp_path, image(tmp_path, b"0")) == Path("/images/a")
    with pytest.raises(LabError) as caught:
        layer_of(EMPTY, tmp_path, image(tmp_path, b"0", distro="kylin"))
    assert "kylin 12" in caught.value.message and "--image" in caught.value.message


def test_an_image_that_is_a_root_is_unpacked_once(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text("ID=kylin\n")
    with tarfile.open(tmp_path / "made", "w") as archive:
        archive.add(tmp_path / "os-release", "etc/os-release")
    made = image(tmp_path, (tmp_path / "made").read_bytes(), distro="kylin")
    layer = layer_of(EMPTY, tmp_path, made)
    assert (layer / "etc/os-release").read_text() == "ID=kylin\n"
    (layer / "mark").touch()
    assert (layer_of(EMPTY, tmp_path, made) / "mark").exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_root_the_lab_says_so_and_does_without_hosts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        said = as_nobody(
            "from orchestrator.lab.hosts.life import hosts_up, hosts_stop\n"
            f"settings = LabSettings(directory=Path({folder!r}), venv=Path({folder!r}))\n"
            "spec = HostSpec(name='a', address='', user='u', public_key='k')\n"
            "print(hosts_up(settings, [spec], lambda step: print(step.text)))\n"
            "hosts_stop(settings)\n"
        )
        assert list(Path(folder).iterdir()) == []
    assert said.startswith("hosts: none, because this machine lacks root") and "None" in said


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_hosts_that_root_keeps_are_not_taken_down_by_others() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        Path(folder, "run").mkdir()
        process = {"service": "hosts", "pid": os.getpid(), "start_ticks": ticks(), "digest": ""}
        Path(folder, "run", "hosts.json").write_text(json.dumps(process))
        said = as_nobody(
            "from orchestrator.errors import LabError\n"
            "from orchestrator.lab.hosts.life import hosts_stop\n"
            f"settings = LabSettings(directory=Path({folder!r}), venv=Path({folder!r}))\n"
            "try:\n    hosts_stop(settings)\n"
            "except LabError as error:\n    print(error.message, '|', error.remedy)\n"
        )
    assert said == (
        "the lab's hosts and their network cannot be taken down without root | "
        "Run the command as root.\n"
    )


def ticks() -> int:
    return int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])


def as_nobody(script: str) -> str:
    """Run a script without any right, in this repository; return what it printed."""
    imports = (
        "from pathlib import Path\n"
        "from orchestrator.lab.hosts.spec import HostSpec\n"
        "from orchestrator.lab.settings import LabSettings\n"
    )
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c",
         imports + script],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
