"""What a site puts into the lab's network: devices, a host for each zone, lines between routers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from orchestrator.adapters.secret_store import AnsibleVaultSecrets, ensure_secrets
from orchestrator.compile.frr import frr_routers, interface_name, line_end
from orchestrator.compile.targets import COMPILED_FOR, platform_of
from orchestrator.model.network import INTERNET, Device, Platform, PrefixRole
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.providers.host.keys import new_key, public_half
from orchestrator.verify.probes import ProbeHost, live_hosts

PLAYED = (Platform.NFTABLES, Platform.FRR)
"""What a Linux machine can be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSpec:
    """One device that the lab runs."""

    name: str
    region: str
    platform: Platform
    address: str
    """As declared; it has it on its management port."""
    prefix_length: int
    administrator: str
    """A free address beside it, from which the lab reaches it."""
    user: str
    password: Secret | None
    public_key: str
    """As a line of `authorized_keys`; empty where the password counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneHost:
    """One host: it has the addresses of its zone's ends in a region."""

    region: str
    zone: str
    """A zone, or `internet`."""
    addresses: tuple[tuple[int, str], ...]
    """IP version and address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A leased line between two routers of the lab, and the name of its ports."""

    port: str
    ends: tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkContents:
    """All that the lab's network is made of."""

    devices: tuple[DeviceSpec, ...] = ()
    hosts: tuple[ZoneHost, ...] = ()
    ends: tuple[ProbeHost, ...] = ()
    lines: tuple[Line, ...] = ()
    remote: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By region: the other regions' aggregates, which its routers know by BGP."""
    left_out: tuple[str, ...] = ()
    """Devices with a login that the lab does not run, and why."""


NO_NETWORK = NetworkContents()


def network_of_site(site: Site, vault: AnsibleVaultSecrets) -> NetworkContents:
    """Return the site's zone firewalls and FRR routers with a login, and what is around them.

    Passwords and keys that the vault lacks are generated.
    """
    chosen = [device for device in site.network.devices if _is_played(device)]
    runnable = [device for device in chosen if _management(site, device) is not None]
    logins = [device.login for device in runnable if device.login]
    if logins:
        ensure_secrets(vault, {login.password for login in logins if login.password})
        keys = {login.key for login in logins if login.key} - vault.names()
        if keys:
            vault.put({key: new_key() for key in keys})
    specs = tuple(_device(site, device, vault) for device in runnable)
    regions = list(dict.fromkeys(spec.region for spec in specs))
    guarded = [spec.region for spec in specs if spec.platform is Platform.NFTABLES]
    ends = live_hosts(site, tuple(dict.fromkeys(guarded)))
    return NetworkContents(
        devices=specs,
        hosts=tuple(zone_hosts(ends)),
        ends=ends,
        lines=tuple(_lines(site, {spec.name for spec in specs})),
        remote=tuple((region, _remote(site, region)) for region in regions),
        left_out=tuple(
            f"{device.name}: its address {device.address} is in no IPv4 management prefix"
            for device in chosen
            if device not in runnable
        ),
    )


def _is_played(device: Device) -> bool:
    platform = platform_of(device)
    return bool(device.login and platform in PLAYED and device.role in COMPILED_FOR[platform])


def _device(site: Site, device: Device, vault: AnsibleVaultSecrets) -> DeviceSpec:
    login, platform, prefix = device.login, platform_of(device), _management(site, device)
    if login is None or platform is None or prefix is None:
        raise LookupError(f"{device.name} is no device that the lab runs")
    return DeviceSpec(
        name=device.name,
        region=site.region_of_rack(device.rack) or "",
        platform=platform,
        address=str(device.address),
        prefix_length=prefix.prefixlen,
        administrator=str(_free_address(site, prefix)),
        user=login.user,
        password=vault.get(login.password) if login.password else None,
        public_key=public_half(login.key, vault.get(login.key)) if login.key else "",
    )


def _management(site: Site, device: Device) -> IPv4Network | None:
    """Return the smallest management prefix of its region around a device's address."""
    region = site.region_of_rack(device.rack)
    around = [
        prefix.prefix
        for prefix in site.network.prefixes
        if prefix.region == region
        and prefix.role is PrefixRole.MANAGEMENT
        and isinstance(prefix.prefix, IPv4Network)
        and device.address in prefix.prefix
    ]
    return max(around, key=lambda prefix: prefix.prefixlen, default=None)


def _free_address(site: Site, prefix: IPv4Network) -> IPv4Address:
    """Return the last address of a prefix that nothing is declared to have."""
    taken = {device.address for device in site.network.devices}
    taken |= {each.gateway for each in site.network.prefixes if each.gateway}
    last = int(prefix.broadcast_address) - 1
    return next(
        address
        for number in range(last, int(prefix.network_address), -1)
        if (address := IPv4Address(number)) not in taken
    )


def zone_hosts(ends: Sequence[ProbeHost]) -> Iterator[ZoneHost]:
    """Yield a host for each zone: projects are in their zone's."""
    for region, zone in dict.fromkeys((end.region, end.zone) for end in ends):
        addresses = dict.fromkeys(
            address
            for end in ends
            if (end.region, end.zone) == (region, zone)
            for address in end.shown_addresses
        )
        yield ZoneHost(region=region, zone=zone, addresses=tuple(addresses))


def _lines(site: Site, running: set[str]) -> Iterator[Line]:
    for carrier in site.network.carriers:
        if INTERNET in (carrier.from_region, carrier.to) or not carrier.prefixes:
            continue
        near, far = (
            line_end(carrier, frr_routers(site, region))
            for region in (carrier.from_region, carrier.to)
        )
        if near in running and far in running and near and far:
            yield Line(port=interface_name(carrier.name), ends=(near, far))


def _remote(site: Site, region: str) -> tuple[str, ...]:
    return tuple(
        str(aggregate)
        for routing in site.network.routing
        if routing.region != region
        for aggregate in routing.aggregates
    )
