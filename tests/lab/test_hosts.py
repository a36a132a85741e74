"""Real hosts behind emulated BMCs: power, deployment and acceptance, as a person would do them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.lab.health import lab_status
from orchestrator.lab.hosts.asking import ask
from orchestrator.lab.hosts.kernel_settings import uses_settings
from orchestrator.lab.hosts.life import SUPERVISOR, Power
from orchestrator.lab.hosts.needs import missing_for_hosts
from orchestrator.lab.hosts.network import bridge_name, socket_path
from orchestrator.lab.processes import recorded_process
from orchestrator.providers.host.keys import public_half
from orchestrator.spec.load import load_site
from tests.lab.test_hardware_lab import plain_get
from tests.lab.town import PROGRAM, Town

MISSING = ", ".join(missing_for_hosts())
pytestmark = [
    pytest.mark.lab,
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING), reason=f"hosts need {MISSING}"),
]

HOSTS = ("rowan-cmp-01", "rowan-cmp-02", "rowan-sto-1")
FIRST, SECOND, THIRD = HOSTS
KYLIN = "rowan-kylin"
BACK_SECONDS = 30


@pytest.fixture(scope="module")
def town(tmp_path_factory, town_lab) -> Iterator[Town]:
    """Return a town with three hosts, enrolled in Ironic."""
    town = Town(tmp_path_factory.mktemp("hosts") / "rowan", town_lab, prefix="rowan", number=12)
    text = (town.directory / "hardware.yaml").read_text()
    for role, bmcs, hosts in (
        ("compute", "{11..13}", "{111..113}"),
        ("storage", "{21..22}", "{121..122}"),
    ):
        del role
        line = f'bmc: {{address: "10.9.0.{bmcs}", user: orchestrator, password: secret://bmc/city}}'
        assert line in text
        text = text.replace(line, f'{line}\n    address: "10.9.0.{hosts}"')
    (town.directory / "hardware.yaml").write_text(text)
    done = town_lab.orchestrator("up", str(town.directory), f"--hosts={','.join(HOSTS)}")
    assert done.returncode == 0, done.stderr
    applied = town.run("apply", "--layer", "hardware", "--layer", "system", "--yes")
    assert applied.returncode == 0, applied.stderr + applied.stdout
    yield town
    gone = town_lab.orchestrator("up", str(town.directory), "--hosts=none")
    assert gone.returncode == 0, gone.stderr
    assert not Path("/sys/class/net", bridge_name(town_lab.settings.directory)).exists()
    assert lab_status(town_lab.settings).hosts == ()
    assert not uses_settings(bridge_name(town_lab.settings.directory))


def hardware(town: Town, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "hardware", *arguments, "--site", str(town.directory)],
        env=town.environment(environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def supervisor(town: Town, do: str = "list") -> dict:
    return ask(socket_path(town.lab.settings.directory), {"do": do})["hosts"]


def answers(town: Town, name: str) -> bool:
    """Say whether SSH greets at the host's place."""
    place = (supervisor(town)[name]["address"], 22)
    try:
        with socket.create_connection(place, timeout=2) as line:
            line.settimeout(2)
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_until(claim, seconds: float = BACK_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def server_of(town: Town, name: str):
    servers = load_site(town.directory).site.hardware.servers
    return next(server for server in servers if server.name == name)


def is_on(town: Town, name: str) -> bool:
    """Ask the BMC as a stranger would."""
    return plain_get(town, server_of(town, name))["PowerState"] == "On"


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {one["server"]: one["outcome"] for one in json.loads(done.stdout)["results"]}


def test_power_off_through_redfish_stops_the_host_and_power_on_boots_it(town) -> None:
    wait_until(lambda: answers(town, FIRST))
    off = hardware(town, "power", FIRST, "off", "--yes")
    assert off.returncode == 0, off.stderr
    wait_until(lambda: not is_on(town, FIRST))
    assert not answers(town, FIRST) and supervisor(town)[FIRST]["pid"] is None
    assert answers(town, SECOND)
    on = hardware(town, "power", FIRST, "on", "--yes")
    assert on.returncode == 0, on.stderr
    wait_until(lambda: answers(town, FIRST))
    assert is_on(town, FIRST)


def test_a_host_that_is_killed_is_seen_as_switched_off(town) -> None:
    wait_until(lambda: answers(town, SECOND))
    os.kill(supervisor(town)[SECOND]["pid"], signal.SIGKILL)
    wait_until(lambda: not is_on(town, SECOND))
    assert hardware(town, "power", SECOND, "status").stdout == f"{SECOND} is off.\n"
    assert not answers(town, SECOND)
    assert hardware(town, "power", SECOND, "on", "--yes").returncode == 0
    wait_until(lambda: answers(town, SECOND))


def test_a_supervisor_that_is_killed_takes_all_hosts_along_and_up_brings_them_back(town) -> None:
    pids = [one["pid"] for one in supervisor(town).values()]
    process = recorded_process(town.lab.settings, SUPERVISOR)
    assert process is not None and None not in pids
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not any(runs(pid) for pid in pids))
    status = lab_status(town.lab.settings)
    assert not status.is_up
    assert {one.power for one in status.hosts} == {Power.UNKNOWN}
    mended = town.lab.orchestrator("up", str(town.directory))
    assert mended.returncode == 0, mended.stderr
    for name in HOSTS:
        wait_until(lambda name=name: answers(town, name))


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_two_servers_get_the_declared_image_and_a_second_run_has_nothing_to_do(town) -> None:
    done = hardware(town, "deploy", FIRST, SECOND, "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr + done.stdout + said_inside(town, FIRST)
    assert outcomes(done) == {FIRST: "done", SECOND: "done"}
    facts = json.loads(done.stdout)["results"][0]["facts"]
    assert {one["fact"]: one["verdict"] for one in facts} == {
        "hostname": "pass",
        "image": "pass",
        "image sha256": "pass",
        "os": "pass",
        "os version": "pass",
    }
    node = town.lab.admin.baremetal.find_node(FIRST)
    assert town.lab.admin.baremetal.get_node(node.id).provision_state == "active"
    again = hardware(town, "deploy", FIRST, SECOND, "--yes", "-o", "json")
    assert outcomes(again) == {FIRST: "as declared", SECOND: "as declared"}


def test_the_disk_of_a_rebuilt_server_is_fresh(town) -> None:
    deployed(town)
    assert on_host(town, FIRST, "touch /root/mine; ls /root/mine") == "/root/mine\n"
    done = hardware(town, "deploy", FIRST, "--again", "--yes", "-o", "json")
    assert outcomes(done) == {FIRST: "done"}, done.stderr
    assert on_host(town, FIRST, "ls /root/mine 2>/dev/null; hostname") == f"{FIRST}\n"


def test_a_server_that_never_answers_stops_the_rollout_at_its_budget(town, tmp_path) -> None:
    deployed(town)
    endpoints = json.loads(town.lab.settings.endpoints.read_text())
    address = str(server_of(town, FIRST).address)
    endpoints["ssh"][address]["port"] = 9  # discard: nobody listens there
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
    done = hardware(
        town, "deploy", FIRST, SECOND, "--again", "--yes", "--parallel", "1", "--minutes", "0.2",
        "-o", "json", ORCHESTRATOR_ENDPOINTS=str(tmp_path / "endpoints.json"),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert outcomes(done) == {FIRST: "failed", SECOND: "not started"}
    states = {one["server"]: one["state"] for one in json.loads(done.stdout)["results"]}
    assert "does not answer" in states[FIRST] and states[SECOND] == "as before: active"


def test_a_server_without_a_host_fails_with_what_to_do_and_the_others_are_done(town) -> None:
    done = hardware(town, "deploy", "rowan-sto-2", THIRD, "--yes", "--budget", "2", "-o", "json")
    assert done.returncode == 6, done.stderr
    assert outcomes(done) == {"rowan-sto-2": "failed", THIRD: "done"}
    (failed, _) = json.loads(done.stdout)["results"]
    assert "--hosts=rowan-sto-2" in failed["state"]


def test_an_image_that_the_lab_cannot_boot_is_refused_and_the_host_goes_on_running(town) -> None:
    def add_kylin(system: dict) -> None:
        (debian,) = system["images"]
        system["images"].append({**debian, "name": KYLIN, "os_distro": "kylin"})

    town.edit("system.yaml", add_kylin)
    applied = town.run("apply", "--layer", "system", "--yes")
    assert applied.returncode == 0, applied.stderr + applied.stdout
    wait_until(lambda: answers(town, THIRD))
    pid = supervisor(town)[THIRD]["pid"]
    done = hardware(town, "deploy", THIRD, "--image", KYLIN, "--yes", "-o", "json")
    assert done.returncode == 1, done.stderr
    (failed,) = json.loads(done.stdout)["results"]
    assert "kylin 12 and holds no system" in failed["state"]
    assert supervisor(town)[THIRD]["pid"] == pid and answers(town, THIRD)


def test_units_of_one_host_are_in_no_group_of_another(town) -> None:
    deployed(town)
    seen = "find /sys/fs/cgroup -type d -name alone.service | wc -l"
    made = on_host(town, FIRST, f"systemd-run --quiet --unit=alone sleep 60; {seen}")
    assert int(made) > 0
    assert on_host(town, SECOND, seen) == "0\n"


def test_a_killed_deployment_is_gone_on_with_by_the_next(town) -> None:
    deployed(town)
    line = [PROGRAM, "hardware", "deploy", FIRST, SECOND, "--again", "--yes"]
    process = subprocess.Popen(
        [*line, "--site", str(town.directory)],
        env=town.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    metal = town.lab.admin.baremetal
    ids = [metal.find_node(name).id for name in (FIRST, SECOND)]
    wait_until(lambda: "deploying" in {metal.get_node(one).provision_state for one in ids})
    process.kill()
    process.wait(timeout=30)
    done = hardware(town, "deploy", FIRST, SECOND, "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert set(outcomes(done).values()) <= {"done", "as declared"}
    assert on_host(town, SECOND, "hostname") == f"{SECOND}\n"


def test_an_acceptance_report_is_proved_and_a_flipped_byte_refused(town, tmp_path) -> None:
    wait_until(lambda: answers(town, THIRD))
    done = hardware(town, "accept", THIRD, "--minutes", "0.1", "--out", str(tmp_path))
    assert done.returncode == 6, done.stderr  # a container cannot see its own hardware
    file = tmp_path / f"{THIRD}.json"
    report = json.loads(file.read_text())["report"]
    assert [one["verdict"] for one in report["burns"]] == ["pass"] * 3
    assert report["verdict"] == "unknown" and report["serial"] == server_of(town, THIRD).serial
    assert THIRD in (tmp_path / f"{THIRD}.html").read_text()
    proved = hardware(town, "accept", "--verify", str(file))
    assert proved.returncode == 0 and "is genuine" in proved.stdout
    file.write_text(file.read_text().replace('"verdict": "unknown"', '"verdict": "pass"', 1))
    refused = hardware(town, "accept", "--verify", str(file))
    assert refused.returncode == 1 and "does not fit" in refused.stderr


def deployed(town: Town) -> None:
    """Have the first two servers deployed, by whatever test came before."""
    done = hardware(town, "deploy", FIRST, SECOND, "--yes")
    assert done.returncode == 0, done.stderr + done.stdout + said_inside(town, FIRST)


def said_inside(town: Town, name: str) -> str:
    """Return what a host's own log says of logins, and who may log in there."""
    pid = supervisor(town)[name]["pid"]
    command = (
        "hostname; ls -lan /home/* /home/*/.ssh /run/nologin; grep orchestrator /etc/passwd; "
        "systemctl list-jobs; journalctl --boot --no-pager --lines=60"
    )
    told = subprocess.run(
        ["nsenter", "--target", str(pid), "--all", "sh", "-c", command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False,
    )  # fmt: skip
    return f"\n--- inside {name}\n{told.stdout}"


def on_host(town: Town, name: str, command: str) -> str:
    """Run a command with the standard SSH client and the site's key."""
    from orchestrator.adapters.secret_store import AnsibleVaultSecrets

    server = server_of(town, name)
    key = AnsibleVaultSecrets(town.directory).get(server.ssh.key)
    assert public_half(server.ssh.key, key).startswith("ssh-ed25519 ")
    file = town.directory / ".key"
    file.touch(0o600)
    file.write_text(key.reveal())
    place = f"{server.ssh.user}@{supervisor(town)[name]['address']}"
    options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    done = subprocess.run(
        ["ssh", "-i", str(file), "-o", "LogLevel=ERROR", *options, place, "sudo", "sh", "-c",
         f"'{command}'"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )  # fmt: skip
    file.unlink()
    return done.stdout
