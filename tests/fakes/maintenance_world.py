"""Hosts, Nova and databases in memory, behind maintenance's ports; faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator.adapters.maintenance_records import MaintenanceFolder
from orchestrator.errors import CloudError, HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault, Ran
from orchestrator.model.inventory import Inventory, PowerAct, PowerState
from orchestrator.model.maintenance import ComputeHost, Instance, Move, ServiceRoles
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.ports.bmc import BmcAct, SwitchPower
from orchestrator.workflows.maintenance_acts import MaintenancePorts
from orchestrator.workflows.maintenance_reboot import REBOOT
from orchestrator.workflows.playbook import PlaybookPorts
from tests.fakes.memory_playbooks import FakeTask, MemoryPlaybooks
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

PATCH_FILE = "maintenance/patch-host.yml"


class KilledError(Exception):
    """The process dies here, as by kill -9: nothing that follows is done."""


@dataclass
class FakeHost:
    """A host that boots; `boot` counts its boots."""

    boot: int = 1
    pending: list[list[str]] | str = field(default_factory=lambda: [["tool", "1", "2"]])
    needs_reboot: bool = False
    patch_needs_reboot: bool = True
    silent: bool = False
    dies_at_reboot: bool = False
    """It does not come back until its BMC switches it off and on."""
    failed_units: list[str] = field(default_factory=list)
    breaks_unit: str = ""
    """Fails at the next boot."""
    clock_ahead: float = 0.0
    firmware: dict[str, str] = field(default_factory=lambda: {"BIOS": "1.10", "BMC": "7.1"})
    waiting: dict[str, str] = field(default_factory=dict)
    """Firmware that the next power cycle applies."""
    off: bool = False
    certificate: datetime | None = None
    """When its certificate ends."""


@dataclass
class MaintenanceWorld:
    """Everything that maintenance touches; `kill_at` has it die at the n-th thing it does."""

    folder: Path
    hosts: dict[str, FakeHost]
    computes: dict[str, ComputeHost] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    services: dict[str, ServiceRoles] = field(default_factory=dict)
    images: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """By address: component, version, and the SHA-256 of the file there."""
    applies_at_once: bool = False
    """Firmware runs without a power cycle."""
    stuck: set[str] = field(default_factory=set)
    """Instances whose migration never ends."""
    unheard_cordon: bool = False
    """Nova disables a service, and its answer is lost."""
    broken_packages: set[str] = field(default_factory=set)
    """Hosts on which a package does not set up."""
    acts: list[str] = field(default_factory=list)
    kill_at: int | None = None
    kill_at_note: int | None = None
    """It dies when it is about to write this line of the journal."""
    notes: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    audit: FakeAudit = field(default_factory=FakeAudit)
    lock: FakeLock = field(default_factory=FakeLock)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def ports(self) -> MaintenancePorts:
        return MaintenancePorts(
            playbooks=PlaybookPorts(
                playbooks=_Patching(self),
                secrets=_NoSecrets(),
                lock=self.lock,
                audit=self.audit,
                clock=self.clock,
                places={},
            ),
            hosts=_Hosts(self),
            computes=_Computes(self),
            primaries=_Primaries(self),
            certificates=_Certificates(self),
            firmware=_Firmware(self),
            bmcs=_Bmcs(self),
            records=_Records(self),
        )

    def act(self, what: str) -> None:
        """Note what is done to the world; die first where that was asked for."""
        with self.guard:
            if self.kill_at is not None and len(self.acts) >= self.kill_at:
                raise KilledError(what)
            self.acts.append(what)


class _Records(MaintenanceFolder):
    """The real records, of a process that may die at a line."""

    def __init__(self, world: MaintenanceWorld) -> None:
        super().__init__(world.folder)
        self._world = world

    def note(self, plan_id: str, entry: Mapping[str, Json]) -> None:
        if self._world.notes == self._world.kill_at_note:
            raise KilledError(entry)
        self._world.notes += 1
        super().note(plan_id, entry)


class _NoSecrets:
    def get(self, ref: SecretRef) -> Secret:
        return Secret("key")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise NotImplementedError


@dataclass
class _Hosts:
    world: MaintenanceWorld

    def run(self, server: Server, command: str, *, within: float, given: str = "") -> Ran:
        host = self.world.hosts[server.name]
        if host.silent:
            raise HostError(f"{server.name}: does not answer", fault=HostFault.SILENT)
        if command == REBOOT:
            self.world.act(f"reboot {server.name}")
            host.silent = host.dies_at_reboot
            if not host.silent:
                boot(host)
            return Ran(status=0, out="")
        if command.startswith("python3"):
            return Ran(status=0, out=json.dumps(self._facts(host)))
        return Ran(status=0, out=f"boot-{host.boot}\nrunning\n")

    def _facts(self, host: FakeHost) -> dict[str, Json]:
        return {
            "boot_id": f"boot-{host.boot}",
            "kernel": "6.1",
            "pending": host.pending,
            "held": [],
            "unconfigured": [],
            "reboot_reasons": ["kernel"] if host.needs_reboot else [],
            "failed_units": list(host.failed_units),
            "free_mib": 9000,
            "time": self.world.clock.time.timestamp() + 1 + host.clock_ahead,
        }  # type: ignore[dict-item]  # lists of lists are Json, too

    def expect_new_key(self, server: Server) -> None:
        raise NotImplementedError

    def public_key(self, server: Server) -> str:
        raise NotImplementedError


def boot(host: FakeHost) -> None:
    host.boot += 1
    host.needs_reboot = False
    if host.breaks_unit:
        host.failed_units.append(host.breaks_unit)


@dataclass
class _Patching:
    """The patch playbook: upgrades every pending package of the fake host."""

    world: MaintenanceWorld

    def run(self, job: Any, *, watch: Any) -> Any:
        names = [host.name for host in job.hosts]
        broken = frozenset(self.world.broken_packages & set(names))
        silent = frozenset(name for name in names if self.world.hosts[name].silent)
        for name in set(names) - broken - silent:
            self.world.act(f"patch {name}")
            host = self.world.hosts[name]
            host.needs_reboot |= host.patch_needs_reboot and bool(host.pending)
            host.pending = []
        task = FakeTask(
            name="Upgrade", changes=True, fails_on=broken, unreachable=silent, says="not set up: x"
        )
        result = MemoryPlaybooks({PATCH_FILE: [task]}).run(job, watch=watch)
        told = [
            replace(one, reason=one.tasks[-1].reason if one.tasks else "") for one in result.hosts
        ]
        return replace(result, hosts=tuple(told))

    def stop(self) -> None:
        raise NotImplementedError


@dataclass
class _Computes:
    world: MaintenanceWorld

    def hosts(self) -> Mapping[str, ComputeHost]:
        return dict(self.world.computes)

    def instances(self) -> tuple[Instance, ...]:
        return tuple(self.world.instances.values())

    def cordon(self, host: ComputeHost, *, reason: str) -> None:
        self.world.act(f"cordon {host.name}")
        self.world.computes[host.name] = replace(host, enabled=False, reason=reason)
        if self.world.unheard_cordon:
            raise CloudError("Nova did not answer")

    def uncordon(self, host: ComputeHost) -> None:
        self.world.act(f"uncordon {host.name}")
        self.world.computes[host.name] = replace(host, enabled=True, reason="")

    def move(self, move: Move, *, within: float) -> None:
        one = self.world.instances[move.instance]
        if one.id in self.world.stuck:
            self.world.clock.sleep(within)
            raise CloudError(f"{one.name} did not come to {move.to} in time: aborted")
        self.world.act(f"move {one.name} {move.source} {move.to}")
        self.world.instances[one.id] = replace(one, host=move.to)


@dataclass
class _Primaries:
    world: MaintenanceWorld

    def roles(self) -> Sequence[ServiceRoles]:
        return [
            replace(
                one,
                standbys=tuple(name for name in one.standbys if not self.world.hosts[name].silent),
            )
            for one in self.world.services.values()
        ]

    def hand_over(self, service: str, *, to: str) -> None:
        one = self.world.services[service]
        others = tuple(name for name in one.hosts if name != to)
        if one.primary == to and set(one.standbys) == set(others):
            return
        verb = "follow" if one.primary == to else "hand over"
        self.world.act(f"{verb} {service} {to}")
        self.world.services[service] = replace(one, primary=to, standbys=others)


@dataclass
class _Certificates:
    world: MaintenanceWorld

    def until(self, servers: Sequence[Server]) -> Mapping[str, datetime]:
        ends = {server.name: self.world.hosts[server.name].certificate for server in servers}
        return {name: end for name, end in ends.items() if end is not None}

    def renew(self, server: Server, *, ending: datetime) -> None:
        host = self.world.hosts[server.name]
        if host.certificate is not None and host.certificate <= ending:
            self.world.act(f"renew {server.name}")
            host.certificate = self.world.clock.now() + timedelta(days=365)


@dataclass
class _Firmware:
    world: MaintenanceWorld

    def versions(self, server: Server) -> Mapping[str, str]:
        return dict(self.world.hosts[server.name].firmware)

    def update(self, server: Server, image: str, *, within: float) -> None:
        component, version, _ = self.world.images[image]
        self.world.act(f"update {server.name} {component} {version}")
        host = self.world.hosts[server.name]
        (host.firmware if self.world.applies_at_once else host.waiting)[component] = version

    def digest(self, image: str) -> str:
        return self.world.images[image][2]


@dataclass
class _Bmcs:
    world: MaintenanceWorld

    def power(self, server: Server) -> PowerState:
        return PowerState.OFF if self.world.hosts[server.name].off else PowerState.ON

    def act(self, server: Server, act: BmcAct) -> PowerState:
        assert isinstance(act, SwitchPower)
        if act.act is not PowerAct.CYCLE:
            return self._switch(server, act)
        self.world.act(f"power-cycle {server.name}")
        host = self.world.hosts[server.name]
        host.silent = False
        boot(host)
        return PowerState.ON

    def _switch(self, server: Server, act: SwitchPower) -> PowerState:
        self.world.act(f"{act.act.value} {server.name}")
        host = self.world.hosts[server.name]
        host.off = host.silent = act.act is PowerAct.OFF
        if not host.off:
            boot(host)
            host.firmware |= host.waiting
            host.waiting = {}
        return self.power(server)

    def inventory(self, server: Server, *, whole: bool = False) -> Inventory:
        raise NotImplementedError

    def expect_successor(self, old: SecretRef, new: SecretRef) -> None:
        raise NotImplementedError

    def change_password(self, server: Server, new: Secret, *, store: Any) -> bool:
        raise NotImplementedError
