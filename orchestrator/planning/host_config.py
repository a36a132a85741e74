"""What a server's configuration drive tells its new system: names, keys, address.

Source:
    cloud-init's ConfigDrive data source; OpenStack's network_data.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from orchestrator.model.deploy import IMAGE_RECORD
from orchestrator.model.hardware import Server
from orchestrator.model.network import Prefix, PrefixRole
from orchestrator.model.site import Site
from orchestrator.model.system import Image
from orchestrator.model.units import Json

CLOUD_CONFIG = "#cloud-config\n"
MANAGEMENT = frozenset({PrefixRole.MANAGEMENT, PrefixRole.OUT_OF_BAND})


def host_config(site: Site, server: Server, image: Image, *, public_key: str) -> Mapping[str, Json]:
    """Return the configuration drive of one server; JSON is YAML, so cloud-init reads it."""
    record = {"name": image.name, "sha256": image.sha256.lower()}
    user: dict[str, Json] = {
        "name": server.ssh.user,
        "ssh_authorized_keys": [public_key],
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "shell": "/bin/bash",
        "lock_passwd": True,
    }
    written: dict[str, Json] = {
        "path": IMAGE_RECORD,
        "content": json.dumps(record) + "\n",
        "permissions": "0644",
    }
    config: dict[str, Json] = {
        "hostname": server.name,
        "ssh_pwauth": False,
        "users": [user],
        "write_files": [written],
    }
    drive: dict[str, Json] = {
        "meta_data": {
            "uuid": server.name,
            "name": server.name,
            "hostname": server.name,
            "public_keys": {server.ssh.user: public_key},
        },
        "user_data": CLOUD_CONFIG + json.dumps(config, indent=1),
    }
    network = _network(site, server)
    return drive if network is None else {**drive, "network_data": network}


def _network(site: Site, server: Server) -> dict[str, Json] | None:
    """Return the declared address on the interface that boots, untagged; None where unknown."""
    prefix = _prefix(site, server)
    boots = next((nic for nic in server.nics if nic.pxe), None)
    if server.address is None or prefix is None or boots is None:
        return None
    version = server.address.version
    anywhere = "0.0.0.0" if version == 4 else "::"  # noqa: S104 - a route, nobody listens
    route: dict[str, Json] = {
        "network": anywhere,
        "netmask": anywhere,
        "gateway": str(prefix.gateway),
    }
    network: dict[str, Json] = {
        "id": "host",
        "type": f"ipv{version}",
        "link": boots.name,
        "ip_address": str(server.address),
        "netmask": str(prefix.prefix.netmask),
        "routes": [route] if prefix.gateway else [],
    }
    link: dict[str, Json] = {
        "id": boots.name,
        "type": "phy",
        "ethernet_mac_address": boots.mac,
    }
    return {"links": [link], "networks": [network], "services": []}


def _prefix(site: Site, server: Server) -> Prefix | None:
    """Return the narrowest management prefix of the region that holds the server's address."""
    address = server.address
    region = site.region_of_rack(server.rack)
    if address is None:
        return None
    holding = [
        prefix
        for prefix in site.network.prefixes
        if prefix.region == region and prefix.role in MANAGEMENT and _holds(prefix, address)
    ]
    return max(holding, key=lambda prefix: prefix.prefix.prefixlen, default=None)


def _holds(prefix: Prefix, address: IPv4Address | IPv6Address) -> bool:
    return prefix.prefix.version == address.version and address in prefix.prefix
