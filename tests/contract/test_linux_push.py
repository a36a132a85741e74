"""Pushes to real sshd, nft and FRR: proved, confirmed, and taken back where nobody confirms."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.model.network import Platform
from orchestrator.providers.device import way_back
from orchestrator.providers.device.backups import BackupFolder
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from tests.contract.linux_devices import LinuxDevice, lacking, running_device
from tests.contract.pushing import CONFIRM_SECONDS, Pusher

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(lacking("vtysh", "openssl")), reason=lacking("vtysh", "openssl")),
]

RULES = """
table inet orchestrator_zones
delete table inet orchestrator_zones
table inet orchestrator_zones {{
	set flows4 {{
		type ipv4_addr . inet_proto . inet_service
		flags interval
		elements = {{ 10.2.0.0/16 . 17 . 53, 10.1.0.0/16 . 6 . {port} comment "one" }}
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state vmap {{ established : accept, invalid : drop }}
		ip saddr . meta l4proto . th dport @flows4 counter accept
		counter drop
	}}{more}
}}
"""
LOCKS_OUT = """
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established accept
	}"""
ROUTES = """! made by a test
ip route 10.{second}.0.0/16 blackhole
!
router bgp 65001
 bgp router-id 10.0.0.1
 no bgp default ipv4-unicast
 neighbor 10.9.9.1 remote-as 65002
 neighbor 10.9.9.1 timers 3 9
 !
 address-family ipv4 unicast
  network 10.{second}.0.0/16
  neighbor 10.9.9.1 activate
 exit-address-family
exit
{more}end
"""


@dataclass
class World:
    """A device of one platform, and three texts for it."""

    device: LinuxDevice
    pusher: Pusher
    first: str
    second: str
    locks_out: str
    only_in_second: str

    def startup_is(self, text: str) -> bool:
        running = self.pusher.running()
        return running.startup == self.pusher.driver.normal(text)


@pytest.fixture(params=[Platform.NFTABLES, Platform.FRR], ids=str)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    platform = request.param
    frr = platform is Platform.FRR
    with running_device(tmp_path / "device", 1, frr=frr) as device:
        pusher = Pusher(tmp_path / "state", (device.address, 22), platform, ("root", device.key))
        if frr:
            cut = f"ip route {device.gateway}/32 blackhole\n"
            yield World(
                device, pusher, ROUTES.format(second=1, more=""), ROUTES.format(second=2, more=""),
                ROUTES.format(second=1, more=cut), "ip route 10.2.0.0/16 blackhole",
            )  # fmt: skip
        else:
            yield World(
                device, pusher, RULES.format(port=80, more=""), RULES.format(port=81, more=""),
                RULES.format(port=80, more=LOCKS_OUT),
                'table inet orchestrator_zones / set flows4 / 10.1.0.0/16 . 6 . 81 comment "one"',
            )  # fmt: skip


def test_a_push_runs_is_saved_and_survives_a_power_loss(world: World) -> None:
    world.pusher.bring_up(world.first)
    world.pusher.bring_up(world.second, world.first)
    assert world.only_in_second in world.pusher.lines()
    assert world.pusher.running().lines == world.pusher.driver.normal(world.second)
    assert world.pusher.running().saved

    world.device.power_off()
    world.device.power_on()
    assert world.pusher.running().lines == world.pusher.driver.normal(world.second)


def test_the_same_text_again_changes_and_backs_up_nothing(world: World) -> None:
    world.pusher.bring_up(world.first)
    kept = BackupFolder(world.pusher.access.folder / "backups").all()
    world.pusher.bring_up(world.first, world.first)
    assert BackupFolder(world.pusher.access.folder / "backups").all() == kept
    assert [backup.when for backup in kept] == ["before", "after"]


def test_a_push_that_locks_us_out_heals_by_itself(world: World) -> None:
    world.pusher.bring_up(world.first)
    with pytest.raises(DeviceError) as refused:
        world.pusher.bring_up(world.locks_out, world.first)
    assert refused.value.fault is DeviceFault.LOCKED_OUT
    assert "took it back by itself" in str(refused.value)
    if world.pusher.target.platform is Platform.NFTABLES:
        # A router may be back before the first answer is given up.
        (told,) = world.pusher.told
        assert told.startswith("device: cut off by the new configuration (")
        assert told.endswith("waiting up to 24 s")
    assert world.pusher.running().lines == world.pusher.driver.normal(world.first)
    assert world.startup_is(world.first)


def test_nothing_is_changed_once_the_way_back_was_taken(world: World) -> None:
    """A session that a line stalled went on after the device had gone back, and locked us out."""
    with world.pusher.driver.connect(world.pusher.access, world.pusher.target) as shell:
        way_back.arm(shell, "one", restore="true", seconds=60)
        way_back.fire(shell, "one")
        with pytest.raises(DeviceError) as refused:
            way_back.load(shell, "one", "touch /run/changed", given="")
    assert refused.value.fault is DeviceFault.SILENT
    assert world.device.by_hand("ls /run").split().count("changed") == 0


def test_the_way_back_waits_for_a_change_that_is_being_made(world: World) -> None:
    """Both at once would leave a mixture that neither of them knows."""
    note = "echo {} >> /run/order"
    with world.pusher.driver.connect(world.pusher.access, world.pusher.target) as shell:
        way_back.arm(shell, "one", restore=note.format("back"), seconds=60)
        change = f"({note.format('begun')}; sleep 2; {note.format('changed')})"
        with ThreadPoolExecutor() as pool:
            changing = pool.submit(way_back.load, shell, "one", change, given="")
            while not world.device.by_hand("cat /run/order || true"):
                time.sleep(0.05)
            way_back.fire(shell, "one")
            assert changing.result(30).status == 0
    assert world.device.by_hand("cat /run/order").split() == ["begun", "changed", "back"]


def test_power_lost_before_the_confirmation_boots_the_old_one(world: World) -> None:
    world.pusher.bring_up(world.first)
    world.pusher.abandon(world.second, world.first)
    assert world.only_in_second in world.pusher.lines()
    world.device.power_off()
    world.device.power_on()
    assert world.pusher.running().lines == world.pusher.driver.normal(world.first)


def test_a_killed_push_undoes_itself_on_the_device(world: World) -> None:
    world.pusher.bring_up(world.first)
    world.pusher.abandon(world.second, world.first)
    time.sleep(CONFIRM_SECONDS + 2)
    assert world.pusher.running().lines == world.pusher.driver.normal(world.first)


def test_the_run_after_a_killed_push_goes_on(world: World) -> None:
    world.pusher.bring_up(world.first)
    world.pusher.abandon(world.second, world.first)
    world.pusher.bring_up(world.second, world.first)
    assert world.pusher.told == ["device: took back what a killed push had left unconfirmed"]
    time.sleep(CONFIRM_SECONDS + 2)
    running = world.pusher.running()
    assert running.lines == world.pusher.driver.normal(world.second), "no old job undid it"
    assert running.saved


def test_nothing_changes_where_a_line_is_refused(world: World) -> None:
    world.pusher.bring_up(world.first)
    broken = (
        world.second.replace("counter drop", "counter dorp")
        if world.pusher.target.platform is Platform.NFTABLES
        else world.second.replace("neighbor 10.9.9.1 activate", "neighbor 10.9.9.1 aktivate")
    )
    with pytest.raises(DeviceError) as refused:
        world.pusher.bring_up(broken, world.first)
    assert refused.value.fault is DeviceFault.REFUSED
    assert "dorp" in str(refused.value) or "aktivate" in str(refused.value)
    assert world.pusher.running().lines == world.pusher.driver.normal(world.first)


def test_a_device_that_hangs_is_silent_within_its_time(world: World) -> None:
    world.pusher.bring_up(world.first)
    pids = [int(pid) for pid in world.device.pids("sshd")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(DeviceError) as silent:
            world.pusher.running()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert silent.value.fault is DeviceFault.SILENT
    assert time.monotonic() - began < 10


def test_another_login_and_another_machine_are_told_apart(world: World, tmp_path: Path) -> None:
    place, platform = (world.device.address, 22), world.pusher.target.platform
    shell = world.device.folder / "etc" / "other-shell"
    shell.write_text("#!/bin/sh\necho 'MikroTik RouterOS 7.1'\nexit 1\n")
    shell.chmod(0o755)
    world.device.add_user("stranger", "right", shell="/etc/other-shell")

    def fault(password: str) -> DeviceError:
        pusher = Pusher(tmp_path, place, platform, ("stranger", password), password=True)
        with pytest.raises(DeviceError) as refused:
            pusher.bring_up(world.first)
        return refused.value

    assert fault("wrong").fault is DeviceFault.LOGIN
    assert "wrong" not in str(fault("wrong"))
    stranger = fault("right")
    assert stranger.fault is DeviceFault.MODEL
    assert "MikroTik" in str(stranger)


def test_a_disk_that_takes_nothing_is_told_as_not_saved_and_the_next_push_saves(
    world: World,
) -> None:
    """What runs was proved; only a restart would lose it."""
    world.pusher.bring_up(world.first)
    frr = world.pusher.target.platform is Platform.FRR
    folder = "/etc/frr" if frr else "/etc/orchestrator"
    world.device.by_hand(f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}")
    with pytest.raises(DeviceError) as unsaved:
        world.pusher.bring_up(world.second, world.first)
    assert unsaved.value.fault is DeviceFault.UNSAVED
    assert world.only_in_second in world.pusher.lines()
    assert not world.pusher.running().saved
    world.device.by_hand(f"umount {folder}")
    world.pusher.bring_up(world.second, world.first)
    assert world.pusher.running().saved


def test_lines_that_vtysh_undoes_in_its_own_way_go(world: World) -> None:
    if world.pusher.target.platform is not Platform.FRR:
        pytest.skip("nft replaces the table as a whole")
    line = "interface line-1\n description to the county\n ip address 10.8.0.1/30\nexit\n"
    before = ROUTES.format(second=1, more=line)
    world.pusher.bring_up(before)
    world.device.by_hand("vtysh -c 'configure terminal' -c 'password typed-by-hand'")
    world.pusher.bring_up(world.first, before)
    assert world.pusher.running().lines == world.pusher.driver.normal(world.first)


def test_secrets_and_texts_are_in_no_argument_list_of_the_device(world: World) -> None:
    world.pusher.bring_up(world.first)
    world.pusher.abandon(world.second, world.first)
    shown = world.device.by_hand("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' || true")
    assert ".restore" in shown, "the way back is armed"
    assert "10.2.0.0" not in shown
