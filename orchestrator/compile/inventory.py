"""The site's servers as an Ansible inventory: who there is, in which groups, and how reached.

No secret is in it: a key is named by its reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.hardware import Server
from orchestrator.model.playbook import Login
from orchestrator.model.site import Site
from orchestrator.model.system import HostBaseline
from orchestrator.model.units import Json

Place = tuple[str, int]
"""A host and a port."""
SSH_PORT = 22


@dataclass(frozen=True, kw_only=True, slots=True)
class InventoryHost:
    """One server with its groups and what a playbook may know of it."""

    name: str
    groups: tuple[str, ...]
    login: Login | None
    """None: the site declares no address for its operating system."""
    variables: Mapping[str, Json]


def site_inventory(
    site: Site, servers: Sequence[Server], *, places: Mapping[str, Place]
) -> tuple[InventoryHost, ...]:
    """Return the servers as hosts; `places` has those that are reached elsewhere, by address."""
    pairs = {device.name: device.pair for device in site.network.devices if device.pair}
    return tuple(_host(site, server, places=places, pairs=pairs) for server in servers)


def ssh_places(endpoints: Mapping[str, Any]) -> dict[str, Place]:
    """Return the places of an endpoints file: `{"ssh": {ADDRESS: {"host": ..., "port": ...}}}`."""
    return {
        address: (str(found.get("host", address)), int(found.get("port", SSH_PORT)))
        for address, found in endpoints.get("ssh", {}).items()
    }


def as_file(hosts: Sequence[InventoryHost]) -> dict[str, Json]:
    """Return a static inventory, as a file for `ansible -i` holds it."""
    children: dict[str, Json] = {
        group: {"hosts": {name: {} for name in names}} for group, names in _groups(hosts).items()
    }
    described: dict[str, Json] = {host.name: host_variables(host) for host in hosts}
    return {"all": {"hosts": described, "children": children}}


def as_list(hosts: Sequence[InventoryHost]) -> dict[str, Json]:
    """Return what Ansible wants to hear from an inventory script that is called with --list."""
    groups: dict[str, Json] = {
        group: {"hosts": list(names)} for group, names in _groups(hosts).items()
    }
    described: dict[str, Json] = {host.name: host_variables(host) for host in hosts}
    return {"_meta": {"hostvars": described}, "all": {"hosts": list(described)}, **groups}


def host_variables(host: InventoryHost) -> dict[str, Json]:
    """Return a host's variables, with those by which Ansible reaches it."""
    if host.login is None:
        return dict(host.variables)
    return {
        "ansible_host": host.login.address,
        "ansible_port": host.login.port,
        "ansible_user": host.login.user,
        **host.variables,
    }


def group_name(kind: str, name: str) -> str:
    """Return a name that Ansible takes for a group: letters, digits and underscores."""
    return f"{kind}_{re.sub('[^a-z0-9]', '_', name.replace('.', '_dot_'))}"


def _groups(hosts: Sequence[InventoryHost]) -> dict[str, list[str]]:
    names = sorted({group for host in hosts for group in host.groups})
    return {name: [host.name for host in hosts if name in host.groups] for name in names}


def _host(
    site: Site, server: Server, *, places: Mapping[str, Place], pairs: Mapping[str, str]
) -> InventoryHost:
    region = site.region_of_rack(server.rack) or ""
    rack = site.racks_by_name.get(server.rack)
    room = rack.room if rack else ""
    return InventoryHost(
        name=server.name,
        groups=tuple(_groups_of(site, server, region=region, room=room, pairs=pairs)),
        login=_login(server, places),
        variables={
            "site": site.name,
            "region": region,
            "room": room,
            "rack": server.rack,
            "rack_unit": server.unit,
            "role": server.role.value,
            "profile": server.profile,
            "serial_number": server.serial,
            "declared_address": "" if server.address is None else str(server.address),
            **_baseline(site, server),
        },
    )


def _groups_of(
    site: Site, server: Server, *, region: str, room: str, pairs: Mapping[str, str]
) -> Iterator[str]:
    yield group_name("region", region)
    yield group_name("room", room)
    yield group_name("rack", server.rack)
    yield group_name("role", server.role.value)
    yield group_name("profile", server.profile)
    # Servers behind one pair of switches share their failure domain in the network.
    switches = {nic.switch for nic in server.nics}
    for pair in sorted({"-".join(sorted((name, pairs.get(name, name)))) for name in switches}):
        yield group_name("pair", pair)
    for baseline in site.system.host_baselines:
        if server.role in baseline.roles:
            yield group_name("baseline", baseline.name)
    for aggregate in site.system.host_aggregates:
        in_racks = not aggregate.racks or server.rack in aggregate.racks
        if (aggregate.region, aggregate.role) == (region, server.role) and in_racks:
            yield group_name("aggregate", aggregate.name)


def _baseline(site: Site, server: Server) -> dict[str, Json]:
    """Return what the host is to be: the first baseline of its role."""
    for baseline in site.system.host_baselines:
        if server.role in baseline.roles:
            return {"baseline": _baseline_json(baseline, site.identity.timezone)}
    return {}


def _baseline_json(baseline: HostBaseline, timezone: str) -> dict[str, Json]:
    return {
        "name": baseline.name,
        "os_distro": baseline.os_distro,
        "os_version": baseline.os_version,
        "timezone": timezone,
        "ntp_servers": list(baseline.ntp_servers),
        "dns_servers": [str(address) for address in baseline.dns_servers],
        "log_servers": list(baseline.log_servers),
        "repositories": [
            {
                "name": one.name,
                "uri": one.uri,
                "suite": one.suite,
                "components": list(one.components),
                "signed_by": one.signed_by,
                "snapshot": None if one.snapshot is None else one.snapshot.isoformat(),
            }
            for one in baseline.repositories
        ],
        "packages": list(baseline.packages),
        "users": [
            {"name": one.name, "ssh_keys": list(one.ssh_keys), "sudo": one.sudo}
            for one in baseline.users
        ],
        "kernel": dict(baseline.kernel),
        "journal_days": baseline.journal_days,
        "metrics_port": baseline.metrics_port,
    }


def _login(server: Server, places: Mapping[str, Place]) -> Login | None:
    if server.address is None:
        return None
    declared = str(server.address)
    address, port = places.get(declared, (declared, SSH_PORT))
    return Login(
        address=address, port=port, user=server.ssh.user, key=server.ssh.key, pinned_as=declared
    )
