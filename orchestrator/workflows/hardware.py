"""Hardware: ask servers' BMCs what they are, compare with the site, and do things to them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from orchestrator.errors import BmcError, RefusedError
from orchestrator.model.hardware import HardwareProfile, Server, ServerRole
from orchestrator.model.inventory import (
    Comparison,
    Inventory,
    PowerState,
    ServerReport,
    Silence,
    Sweep,
    Unknown,
)
from orchestrator.model.site import Site
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.planning.hardware_drift import compare, compare_factory_logins
from orchestrator.ports.bmc import (
    BmcAct,
    BmcFactoryLogins,
    Bmcs,
    BootOnce,
    HardwarePorts,
    SetIndicator,
    SwitchPower,
)

PASSWORD_BYTES = 15
"""20 characters: the longest that IPMI 2.0 takes, which many BMCs share with Redfish."""

Told = Callable[[ServerReport], None]
"""Hears of each server as soon as it is done; called by one thread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerFilter:
    """Which servers are meant; an empty set means all."""

    regions: frozenset[str] = frozenset()
    racks: frozenset[str] = frozenset()
    roles: frozenset[ServerRole] = frozenset()

    def of(self, site: Site) -> tuple[Server, ...]:
        """Return the servers, in the order of the site."""
        return tuple(
            server
            for server in site.hardware.servers
            if (not self.regions or site.region_of_rack(server.rack) in self.regions)
            and (not self.racks or server.rack in self.racks)
            and (not self.roles or server.role in self.roles)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How servers are looked at."""

    bmcs: Bmcs
    factory_logins: BmcFactoryLogins | None = None
    """Not None: also try whether BMCs still take the logins that they left the factory with."""
    whole: bool = False
    """Also ask for all firmware and the BIOS attributes, where nothing is declared of them."""


def sweep(site: Site, servers: Sequence[Server], look: Look, *, parallel: int, told: Told) -> Sweep:
    """Ask many BMCs at once, each one thing at a time, and compare what they tell.

    A BMC that fails is in the result with its reason; the rest goes on.
    """
    begun = time.monotonic()
    done: dict[str, ServerReport] = {}
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="bmc") as pool:
        asked = [pool.submit(look_at, site, server, look) for server in servers]
        try:
            for future in as_completed(asked):
                report = future.result()
                done[report.server] = report
                told(report)
        except BaseException:
            # Those in flight end by themselves and close their sessions; no new one begins.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    reports = tuple(done[server.name] for server in servers)
    return Sweep(site=site.name, reports=reports, seconds=time.monotonic() - begun)


def look_at(site: Site, server: Server, look: Look) -> ServerReport:
    """Ask one BMC, and compare what it tells with what is declared."""
    profile = site.profiles_by_name[server.profile]
    told: Inventory | Silence
    try:
        told = look.bmcs.inventory(server, whole=look.whole or bool(profile.bios))
        facts = (*compare(server, profile, told), *_try_factory_logins(profile, server, look))
    except BmcError as error:
        told, facts = Silence(fault=error.fault, reason=error.message, remedy=error.remedy), ()
    return ServerReport(
        server=server.name,
        profile=server.profile,
        region=site.region_of_rack(server.rack) or "",
        told=told,
        comparisons=facts,
    )


def _try_factory_logins(
    profile: HardwareProfile, server: Server, look: Look
) -> tuple[Comparison, ...]:
    if look.factory_logins is None:
        return ()
    users: tuple[str, ...] | Unknown
    try:
        users = look.factory_logins.accepted(server, vendor=profile.vendor)
    except BmcError as error:
        users = Unknown(error.message)
    return (compare_factory_logins(users),)


def act_on(server: Server, act: BmcAct, ports: HardwarePorts) -> PowerState:
    """Do one thing to a server; what is about to be done is in the audit log before it is.

    Raises:
        BmcError: the BMC refuses, or does not do what it accepted.
    """
    facts: dict[str, Json] = {"server": server.name, **_facts_of(act)}
    ports.audit.append(act="hardware-begin", facts=facts)
    try:
        power = ports.bmcs.act(server, act)
    except BmcError as error:
        ports.audit.append(act="hardware-failed", facts={**facts, "reason": error.message})
        raise
    ports.audit.append(act="hardware-done", facts={**facts, "seen": power.value})
    return power


def _facts_of(act: BmcAct) -> dict[str, Json]:
    match act:
        case SwitchPower():
            return {"power": act.act.value, "forced": act.forced}
        case SetIndicator():
            return {"indicator": "on" if act.lit else "off"}
        case BootOnce():
            return {"boot_once": act.device.value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """How a change of passwords ended, by server name."""

    reference: SecretRef
    changed: tuple[str, ...] = ()
    had_it: tuple[str, ...] = ()
    """They had the new password already, from a run that was cut off."""
    failed: dict[str, BmcError] = field(default_factory=dict)


def rotate_passwords(
    servers: Sequence[Server], to: SecretRef, ports: HardwarePorts, *, parallel: int
) -> Rotation:
    """Give BMCs the password that `to` refers to; it is made and stored before any BMC has it.

    Killed at any moment, each BMC has either the declared password or the new one, and both are in
    the store: the same command goes on from there.

    Raises:
        RefusedError: a server declares `to` already, so that its old password is not known.
    """
    for server in servers:
        if server.bmc.password == to:
            raise RefusedError(
                f"{server.name} has {to} already",
                remedy="Name another reference: the old value must stay known until all have the "
                "new one.",
            )
    if to not in ports.secrets.names():
        ports.secrets.put({to: Secret(secrets.token_urlsafe(PASSWORD_BYTES))})
    for old in {server.bmc.password for server in servers}:
        ports.bmcs.expect_successor(old, to)
    new = ports.secrets.get(to)
    changed: list[str] = []
    had_it: list[str] = []
    failed: dict[str, BmcError] = {}

    def change(server: Server) -> bool:
        facts: dict[str, Json] = {"server": server.name, "reference": str(to)}
        noted = ports.bmcs.change_password(
            server, new, store=lambda: ports.audit.append(act="bmc-password-begin", facts=facts)
        )
        ports.audit.append(act="bmc-password-done", facts=facts)
        return noted

    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="bmc") as pool:
        asked = {pool.submit(change, server): server.name for server in servers}
        for future in as_completed(asked):
            name = asked[future]
            try:
                (changed if future.result() else had_it).append(name)
            except BmcError as error:
                failed[name] = error
    return Rotation(
        reference=to,
        changed=tuple(sorted(changed)),
        had_it=tuple(sorted(had_it)),
        failed=dict(sorted(failed.items())),
    )
