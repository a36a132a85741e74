"""What the ground of drills asks of hosts, and how it takes what they answer."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.model.backup import Cluster
from orchestrator.model.drill import Isolation, Login, Target
from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran
from orchestrator.model.units import Secret
from orchestrator.providers.drill import on_host
from orchestrator.providers.drill.ground import HostGround
from tests.fakes.bmc_site import server

SERVER = server()
CLUSTER = Cluster(name="orchestrator_drill", version="15", port=5999, database="credit")
TARGETS = (Target(host="db-1", address="10.9.2.31", port=5505),)


@dataclass
class AnsweringHost:
    """A host that answers one thing, and remembers what it was asked."""

    answer: str
    commands: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def run(self, server: Server, command: str, *, within: float, given: str = "") -> Ran:
        self.commands.append(command)
        self.given.append(given)
        return Ran(status=0, out=self.answer, err="")

    def expect_new_key(self, server: Server) -> None:
        raise NotImplementedError

    def public_key(self, server: Server) -> str:
        raise NotImplementedError


def ground(host: AnsweringHost) -> HostGround:
    return HostGround(hosts=host, folder="/var/lib/drill", locks=("/run/lock",))


def asked(host: AnsweringHost) -> dict[str, object]:
    """Return the request at the end of the program that was sent."""
    seen: list[dict[str, object]] = []
    program = host.given[-1]
    call = program[program.rindex("answer(json.loads(") :]
    exec(call, {"json": json, "answer": seen.append})
    return seen[0]


def test_passwords_go_through_the_input_and_never_into_a_command() -> None:
    host = AnsweringHost('{"logins": [{"role": "app", "way": "password", "fault": "", "tls": ""}]}')
    logins = {"app": (Secret('credit_app:it\'s "canary"'),), "owner": ()}
    used = ground(host).log_in(SERVER, cluster=CLUSTER, logins=logins)
    assert used == (Login(role="app", way="password"),)
    assert "canary" not in host.commands[0]
    assert asked(host)["roles"] == {"app": ['credit_app:it\'s "canary"'], "owner": []}


def test_what_was_reached_and_dropped_is_told() -> None:
    host = AnsweringHost('{"reached": ["db-1:5505"], "dropped": 2, "clock_seconds": 7.5}')
    assert ground(host).prove(SERVER, targets=TARGETS) == Isolation(
        targets=TARGETS, reached=("db-1:5505",), dropped=2, clock_seconds=7.5
    )
    assert asked(host) == {
        "do": "prove",
        "targets": [{"host": "db-1", "address": "10.9.2.31", "port": 5505}],
    }


@pytest.mark.parametrize("answer", ["", "Killed", "[]", '{"refused": "nft: no such file"}', "{}"])
def test_an_answer_that_is_none_is_a_fault_of_the_host(answer: str) -> None:
    with pytest.raises(HostError):
        ground(AnsweringHost(answer)).prove(SERVER, targets=TARGETS)


def test_the_isolation_lets_through_only_ssh_the_repository_and_loopback() -> None:
    rules = on_host.table(
        client=("192.0.2.7", 22),
        repository="2001:db8::41",
        targets=[{"host": "db-1", "address": "10.9.2.31", "port": 5505}],
    )
    accepted = [line for line in rules.splitlines() if "accept" in line]
    assert accepted == [
        'iifname "lo" accept;',
        "ip saddr 192.0.2.7 tcp dport 22 accept;",
        "ip6 saddr 2001:db8::41 tcp sport 22 ct state established accept;",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }",
        'oifname "lo" accept;',
        "ip daddr 192.0.2.7 tcp sport 22 accept;",
        "ip6 daddr 2001:db8::41 tcp dport 22 accept;",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }",
    ]
    assert rules.count("policy drop") == 3
    assert 'ip daddr 10.9.2.31 tcp dport 5505 counter name "production" drop;' in rules


def test_a_spare_that_somebody_restored_to_is_not_cut_off(tmp_path: Path) -> None:
    def restored(name: str) -> None:
        (tmp_path / "15" / name).mkdir(parents=True)
        for file in ("made-by-orchestrator-restore", "postgresql.conf"):
            (tmp_path / "15" / name / file).touch()

    restored("orchestrator_drill")
    restored("removed")
    (tmp_path / "15" / "removed" / "postgresql.conf").unlink()
    on_host.refuse_in_use(clusters=tmp_path, locks=tmp_path)
    restored("gongan__population_restored")
    with pytest.raises(on_host.RefusedError, match="gongan__population_restored was restored"):
        on_host.refuse_in_use(clusters=tmp_path, locks=tmp_path)


def test_a_spare_with_a_restored_mariadb_is_not_cut_off(tmp_path: Path) -> None:
    (tmp_path / "orchestrator_drill").mkdir()
    on_host.refuse_in_use(clusters=tmp_path, instances=tmp_path, locks=tmp_path)
    (tmp_path / "of_may").mkdir()
    with pytest.raises(on_host.RefusedError, match="MariaDB of_may was restored here"):
        on_host.refuse_in_use(clusters=tmp_path, instances=tmp_path, locks=tmp_path)


def test_a_restore_at_work_is_not_cut_off(tmp_path: Path) -> None:
    lock = tmp_path / "restore-files_srv_back.lock"
    lock.touch()
    on_host.refuse_in_use(clusters=tmp_path, locks=tmp_path)
    held = subprocess.Popen(["tail", "-f", str(lock)], stdout=subprocess.DEVNULL)
    try:
        wait = time.monotonic() + 5
        with pytest.raises(on_host.RefusedError, match=str(held.pid)):
            while time.monotonic() < wait:
                on_host.refuse_in_use(clusters=tmp_path, locks=tmp_path)
    finally:
        held.kill()
        held.wait()


def test_a_host_that_nobody_releases_stops_what_was_restored_and_releases_itself(
    tmp_path: Path,
) -> None:
    command = on_host.dead_mans_switch(21_600)
    assert "--on-active=21600s" in command and "--unit=orchestrator-drill-release" in command
    assert command[-3:-1] == ["/bin/sh", "-c"]
    configuration = tmp_path / "15" / "orchestrator_drill" / "postgresql.conf"
    configuration.parent.mkdir(parents=True)
    configuration.touch()
    said = tmp_path / "said"
    (tmp_path / "mariadb" / "orchestrator_drill").mkdir(parents=True)
    for name in ("pg_ctlcluster", "systemctl", "nft"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {said}\n')
        (tmp_path / name).chmod(0o755)
    assert "$" not in command[-1].replace("$$", ""), "systemd puts variables of its own there"
    script = command[-1].replace("$$", "$").replace("/etc/postgresql", str(tmp_path))
    script = script.replace("/var/lib/orchestrator-mariadb", str(tmp_path / "mariadb"))
    subprocess.run(["/bin/sh", "-c", script], env={"PATH": f"{tmp_path}:/bin"}, check=True)
    assert said.read_text().splitlines() == [
        "pg_ctlcluster 15 orchestrator_drill stop -m immediate",
        "systemctl kill --signal=KILL orchestrator-mariadb-orchestrator_drill",
        "nft delete table inet orchestrator_drill",
    ]


def test_what_a_host_cannot_make_sense_of_is_answered_without_the_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A traceback could show the request, which has logins."""
    on_host.answer({"do": "log-in", "port": 1, "version": "15", "roles": {"a": ["u:canary"]}})
    on_host.answer({"do": "no such thing"})
    told = capsys.readouterr()
    assert told.out.count("refused") == 2 and "canary" not in told.out + told.err
