"""What a site puts into a lab: a BMC per server, some compute hosts, its physical networks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from orchestrator.adapters.secret_store import AnsibleVaultSecrets, ensure_secrets
from orchestrator.lab.configs.snmp import NO_SNMP, SnmpContents
from orchestrator.lab.hosts.spec import HostSpec, chosen_servers
from orchestrator.lab.network.spec import NO_NETWORK, NetworkContents, network_of_site
from orchestrator.lab.settings import MINIMUM_COMPUTES, BmcSpec, SnmpUser
from orchestrator.lab.snmp_devices import devices_of_site
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.network import PrefixRole
from orchestrator.model.room import SnmpLogin
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.providers.host.keys import public_half

SYSTEM_NAMESPACE = uuid.UUID("6f5f2c58-6f35-4b0e-9d3c-0d9c3a7a4e11")
"""Makes a Redfish system's UUID from a server's serial number; never to be changed."""

COMPUTES_PER_REGION = 2
"""Compute hosts that run in the lab; all of a city's would only eat memory."""

DEFAULT_COMPUTES = ("compute-1", "compute-2", "compute-3")
DEFAULT_NETWORK = "physnet1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LabContents:
    """What a lab is asked to emulate."""

    bmcs: tuple[BmcSpec, ...]
    computes: tuple[str, ...]
    physical_networks: tuple[str, ...]
    snmp: SnmpContents = NO_SNMP
    network: NetworkContents = NO_NETWORK


def contents_of_site(site: Site, vault: AnsibleVaultSecrets) -> LabContents:
    """Return what the site's servers and networks need; missing BMC passwords are generated."""
    logins = snmp_logins(site)
    ensure_secrets(
        vault,
        {server.bmc.password for server in site.hardware.servers}
        | {secret for login in logins for secret in (login.authentication, login.privacy)},
    )
    networks = {network.physical_network for network in site.system.provider_networks}
    return LabContents(
        bmcs=tuple(_bmc(site, server, vault) for server in site.hardware.servers),
        computes=tuple(compute_hosts(site)),
        physical_networks=tuple(sorted(networks | {DEFAULT_NETWORK})),
        snmp=SnmpContents(
            devices=tuple(devices_of_site(site)),
            users=tuple(_snmp_user(login, vault) for login in logins),
        ),
        network=network_of_site(site, vault),
    )


def hosts_of_site(
    site: Site, vault: AnsibleVaultSecrets, names: Sequence[str]
) -> tuple[HostSpec, ...]:
    """Return the servers that the lab boots as hosts; missing SSH keys are generated."""
    servers = chosen_servers(site, names)
    keys = {server.ssh.key for server in servers}
    ensure_secrets(vault, keys, keys=keys)
    neighbours = tuple(_host_networks(site))
    return tuple(
        HostSpec(
            name=server.name,
            address=str(server.address or ""),
            user=server.ssh.user,
            public_key=public_half(server.ssh.key, vault.get(server.ssh.key)),
            neighbours=neighbours,
        )
        for server in servers
    )


def _host_networks(site: Site) -> Iterator[str]:
    """Return the narrowest management networks that servers declare their addresses in."""
    networks = [one.prefix for one in site.network.prefixes if one.role is PrefixRole.MANAGEMENT]
    declared = (server.address for server in site.hardware.servers if server.address)
    holding = (
        max((net for net in networks if address in net), key=_length, default=None)
        for address in declared
    )
    yield from dict.fromkeys(str(network) for network in holding if network)


def _length(network: IPv4Network | IPv6Network) -> int:
    return network.prefixlen


def snmp_logins(site: Site) -> tuple[SnmpLogin, ...]:
    """Return the SNMPv3 logins of the site's rooms, by user: one agent serves all rooms."""
    logins = {room.snmp.user: room.snmp for room in site.room.rooms if room.snmp.version == "v3"}
    return tuple(logins.values())


def _snmp_user(login: SnmpLogin, vault: AnsibleVaultSecrets) -> SnmpUser:
    return SnmpUser(
        name=login.user,
        authentication=vault.get(login.authentication),
        privacy=vault.get(login.privacy),
    )


def compute_hosts(site: Site) -> list[str]:
    """Return the first compute servers of every region, or the lab's own where there are few."""
    hosts = [name for region in site.servers_by_region for name in _first_computes(site, region)]
    missing = max(0, MINIMUM_COMPUTES - len(hosts))
    return [*hosts, *DEFAULT_COMPUTES[:missing]]


def system_id(serial: str) -> str:
    """Return the UUID of a server's Redfish system."""
    return str(uuid.uuid5(SYSTEM_NAMESPACE, serial))


def _first_computes(site: Site, region: str) -> Iterator[str]:
    servers = site.servers_by_region[region]
    names = (server.name for server in servers if server.role is ServerRole.COMPUTE)
    return (name for _, name in zip(range(COMPUTES_PER_REGION), names, strict=False))


def _bmc(site: Site, server: Server, vault: AnsibleVaultSecrets) -> BmcSpec:
    profile = site.profiles_by_name[server.profile]
    return BmcSpec(
        name=server.name,
        address=str(server.bmc.address),
        host=str(server.address or ""),
        system_id=system_id(server.serial),
        user=server.bmc.user,
        password=vault.get(server.bmc.password),
        macs=tuple(nic.mac for nic in server.nics),
        cpu_threads=profile.cpu_threads,
        memory_gib=profile.memory_gib,
        disk_gib=profile.disk_gib,
        vendor=profile.vendor,
        model=profile.model,
        serial=server.serial,
    )


def _default_bmc(number: int) -> BmcSpec:
    name = f"server-{number}"
    return BmcSpec(
        name=name,
        address=f"192.0.2.{number}",
        system_id=system_id(name),
        user="admin",
        password=Secret("password"),
        macs=(f"52:54:00:00:00:{number:02x}",),
        cpu_threads=16,
        memory_gib=64,
        disk_gib=480,
    )


DEFAULT_CONTENTS = LabContents(
    bmcs=tuple(_default_bmc(number) for number in range(1, 9)),
    computes=DEFAULT_COMPUTES,
    physical_networks=(DEFAULT_NETWORK,),
)
"""A lab without a site: a handful of servers with a login that is no secret."""
