"""The baseline on a booted Debian: a rehearsal that tells, a run, and a second one that changes
nothing."""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
from orchestrator.lab.settings import LabSettings
from orchestrator.model.playbook import (
    Ending,
    Login,
    Outcome,
    PlaybookHost,
    PlaybookJob,
    PlaybookResult,
)
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER
from tests.contract.booted_host import MISSING, USER, BootedHost, booted_host

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="booting a host needs root"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
METRICS_PORT = 9100
KEY = SecretRef("secret://ssh/hosts")
AUDITOR_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFTestTestTestTestTestTestTestTestTestTestTest auditor"
)


@pytest.fixture(scope="module")
def host(
    tmp_path_factory: pytest.TempPathFactory, lab_settings: LabSettings
) -> Iterator[BootedHost]:
    with booted_host(tmp_path_factory.mktemp("host") / "host", lab_settings.host_images) as booted:
        yield booted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def baseline(host: BootedHost, **other: Json) -> Json:
    return {
        "name": "test",
        "os_distro": "debian",
        "os_version": "12",
        "timezone": "Asia/Shanghai",
        "ntp_servers": [host.neighbour],
        "dns_servers": [host.neighbour],
        "log_servers": [host.neighbour, host.address],
        "repositories": [],
        "packages": ["procps"],
        "users": [
            {"name": "auditor", "ssh_keys": [AUDITOR_KEY], "sudo": False},
            {"name": "operator", "ssh_keys": [AUDITOR_KEY], "sudo": True},
        ],
        # The first is the network's own, the second the machine's: a container may set the first.
        "kernel": {"net.ipv4.conf.all.rp_filter": "1", "kernel.sysrq": "0"},
        "journal_days": 180,
        "metrics_port": METRICS_PORT,
        **other,
    }


def run(host: BootedHost, folder: Path, *, rehearse: bool = False, **other: Json) -> PlaybookResult:
    login = Login(address=host.address, user=USER, key=KEY, pinned_as="10.0.0.9")
    variables: Mapping[str, Json] = {
        "baseline": baseline(host, **other),
        "declared_address": host.address,
    }
    adapter = AnsiblePlaybooks(folder / "runs", PLAYBOOKS_FOLDER, host_keys=folder / "keys")
    job = PlaybookJob(
        playbook="system/apply-baseline.yml",
        hosts=(PlaybookHost(name="srv", login=login, variables=variables),),
        keys={KEY: Secret(host.private_key)},
        within_seconds=300,
        rehearse=rehearse,
    )
    return adapter.run(job, watch=lambda event: None)


def changed(result: PlaybookResult) -> list[str]:
    return [task.task for task in result.hosts[0].tasks if task.outcome is Outcome.CHANGED]


def reasons(result: PlaybookResult) -> str:
    return f"{result.ending} {result.reason} {result.hosts[0].reason}"


def test_another_system_than_the_declared_one_is_refused_before_anything_is_done(
    host: BootedHost, folder: Path
) -> None:
    before = host.content()
    result = run(host, folder, os_distro="kylin", os_version="V10")
    assert result.hosts[0].outcome is Outcome.FAILED
    assert "its baseline test is for kylin V10. Nothing was done." in result.hosts[0].reason
    assert host.content() == before


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ('ID="openEuler"\nVERSION_ID="22.03"\n', "no driver for its family (rpm)"),
        ('ID="uos"\nVERSION_ID="20"\nPLATFORM_ID="platform:uel20"\n', "no driver for its family"),
        ('ID="uos"\nVERSION_ID="20"\n', "unknown platform: ID=uos VERSION_ID=20"),
        ("ID=nixos\n", "unknown platform: ID=nixos VERSION_ID=? PLATFORM_ID="),
    ],
    ids=["openEuler", "UOS server", "UOS desktop", "another"],
)
def test_a_platform_without_a_driver_is_an_error_never_a_pass(
    host: BootedHost, folder: Path, release: str, said: str
) -> None:
    file = host.root / "usr/lib/os-release"
    own = file.read_text()
    file.write_text(release)
    try:
        distro = release.split("ID=", 1)[1].split("\n")[0].strip('"')
        version = "22.03" if distro == "openEuler" else "20"
        result = run(host, folder, os_distro=distro, os_version=version)
    finally:
        file.write_text(own)
    assert result.hosts[0].outcome is Outcome.FAILED
    assert said in result.hosts[0].reason


def test_a_repository_without_a_sign_of_its_day_is_not_installed_from(
    host: BootedHost, folder: Path
) -> None:
    """What is declared as a snapshot must tell when it was published: this one is not there."""
    away: Json = {
        "name": "away",
        "uri": "http://127.0.0.1:9/debian",
        "suite": "bookworm",
        "components": ["main"],
        "signed_by": "/usr/share/keyrings/debian-archive-keyring.gpg",
        "snapshot": "2026-11-01",
    }
    apt = host.root / "etc/apt"
    before = {file: file.read_bytes() for file in apt.rglob("*") if file.is_file()}
    try:
        result = run(host, folder, repositories=[away], packages=["cowsay"])
    finally:
        for file in [file for file in apt.rglob("*") if file.is_file() and file not in before]:
            file.unlink()
        for file, content in before.items():
            file.write_bytes(content)
    assert result.hosts[0].outcome is Outcome.FAILED
    assert not (host.root / "usr/games/cowsay").exists()


def test_name_servers_that_do_not_answer_are_not_named(host: BootedHost, folder: Path) -> None:
    before = host.read("/etc/resolv.conf")
    result = run(host, folder, dns_servers=["198.18.255.254"])
    assert result.hosts[0].outcome is Outcome.FAILED
    assert "none of the name servers 198.18.255.254 answers" in result.hosts[0].reason
    assert host.read("/etc/resolv.conf") == before


def test_the_user_that_logs_in_is_not_touched(host: BootedHost, folder: Path) -> None:
    users: Json = [{"name": USER, "ssh_keys": [AUDITOR_KEY], "sudo": False}]
    result = run(host, folder, users=users)
    assert result.hosts[0].outcome is Outcome.FAILED
    assert "could lock everybody out" in result.hosts[0].reason


def test_the_rehearsal_tells_the_run_and_a_second_run_changes_nothing(
    host: BootedHost, folder: Path
) -> None:
    before = host.content()
    rehearsed = run(host, folder, rehearse=True)
    assert rehearsed.ending is Ending.DONE, reasons(rehearsed)
    assert host.content() == before, "a rehearsal changes nothing"

    first = run(host, folder)
    assert first.ending is Ending.DONE, reasons(first)
    assert set(changed(rehearsed)) - {"Read the repositories again"} <= set(changed(first)) | {
        task.task for task in rehearsed.hosts[0].tasks if task.outcome is Outcome.UNKNOWN
    }
    assert "Make the users" in changed(rehearsed)

    after = host.content()
    second = run(host, folder)
    assert second.ending is Ending.DONE, reasons(second)
    assert changed(second) == []
    assert host.content() == after
    again = run(host, folder, rehearse=True)
    assert changed(again) == []


@pytest.fixture(scope="module")
def done(host: BootedHost, folder: Path) -> BootedHost:
    """Return the host, brought to its baseline: after the tests that need it as it was."""
    result = run(host, folder)
    assert result.ending is Ending.DONE, reasons(result)
    return host


def test_a_log_host_keeps_what_others_send_and_sends_nothing_to_itself(done: BootedHost) -> None:
    host = done
    with socket.create_connection((host.address, 514), timeout=10) as line:
        line.sendall(
            b"<13>Nov 22 03:00:00 web-1 test: mark 4711\n"
            b"<13>Nov 22 03:00:00 ../../../tmp/evil test: mark 4712\n"
        )
    logs = host.root / "var/log/hosts"
    deadline = time.monotonic() + 20
    while not list(logs.glob("web-1/*.log")):
        assert time.monotonic() < deadline, "the line did not arrive"
        time.sleep(0.2)
    (file,) = logs.glob("web-1/*.log")
    assert f" {host.neighbour} web-1 test: mark 4711\n" in file.read_text()
    assert not list((host.root / "tmp").glob("evil*"))
    assert f'target="{host.address}"' not in host.read("/etc/rsyslog.d/60-site.conf")


def test_what_a_host_logs_arrives_at_its_log_server(done: BootedHost) -> None:
    """This machine is the log server that answers late: the queue holds what came before."""
    with socket.create_server((done.neighbour, 514)) as server:
        server.settimeout(60)
        done.shell("logger --tag test mark-4713")
        heard = b""
        while b"mark-4713" not in heard:  # rsyslog may hang up and come again
            sender, _ = server.accept()
            with sender:
                sender.settimeout(60)
                while b"mark-4713" not in heard and (part := sender.recv(65536)):
                    heard += part


def test_what_is_declared_is_on_the_host(done: BootedHost) -> None:
    host = done
    assert f"nameserver {host.neighbour}\n" in host.read("/etc/resolv.conf")
    assert f"NTP={host.neighbour}\n" in host.read("/etc/systemd/timesyncd.conf.d/60-site.conf")
    assert "MaxRetentionSec=180day" in host.read("/etc/systemd/journald.conf.d/60-site.conf")
    assert f'target="{host.neighbour}" port="514"' in host.read("/etc/rsyslog.d/60-site.conf")
    assert host.read("/home/auditor/.ssh/authorized_keys") == f"{AUDITOR_KEY}\n"
    assert not (host.root / "etc/sudoers.d/60-site-auditor").exists()
    assert "operator ALL=" in host.read("/etc/sudoers.d/60-site-operator")
    assert "Asia/Shanghai" in str((host.root / "etc/localtime").readlink())
    assert "auditor:!" in host.read("/etc/shadow")
    said = host.shell(
        "/usr/sbin/sysctl -n net.ipv4.conf.all.rp_filter; systemctl is-active rsyslog"
    )
    assert said == "1\nactive\n"


def test_measurements_are_read_at_the_declared_address_only(done: BootedHost) -> None:
    with urllib.request.urlopen(
        f"http://{done.address}:{METRICS_PORT}/metrics", timeout=20
    ) as answer:
        assert b"\nnode_boot_time_seconds " in answer.read()
    listening = done.shell(f"ss --tcp --listening --numeric --no-header sport = :{METRICS_PORT}")
    assert [line.split()[3] for line in listening.splitlines()] == [
        f"{done.address}:{METRICS_PORT}"
    ]
