"""How the lab is found: the catalog, clouds.yaml for clients, and where the BMCs answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.lab.configs.snmp import NO_SNMP, SnmpContents
from orchestrator.lab.hosts.record import HostsRecord
from orchestrator.lab.network.life import NOBODY, Endpoint
from orchestrator.lab.record import LabRecord, write_private
from orchestrator.lab.settings import CLOUD, HOST, REGION, BmcSpec, LabSettings

SSH_PORT = 22


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogEntry:
    """A service in Keystone's catalog."""

    service: str
    kind: str
    path: str = ""


CATALOG = (
    CatalogEntry(service="placement", kind="placement"),
    CatalogEntry(service="glance", kind="image"),
    CatalogEntry(service="neutron", kind="network"),
    CatalogEntry(service="nova", kind="compute", path="/v2.1"),
    CatalogEntry(service="cinder", kind="block-storage", path="/v3"),
    CatalogEntry(service="ironic", kind="baremetal"),
)


def write_clouds(settings: LabSettings, record: LabRecord) -> None:
    """Write the clouds.yaml of the lab; the user's own is never touched.

    JSON is YAML, and needs no library here.
    """
    content = {"clouds": {CLOUD: cloud_entry(record)}}
    write_private(settings.clouds, json.dumps(content, indent=2) + "\n")


def cloud_entry(record: LabRecord) -> dict[str, Any]:
    """Return how the lab's administrator logs in, as an entry of clouds.yaml; holds a password."""
    auth = {
        "auth_url": f"{record.url('keystone')}/v3",
        "username": "admin",
        "password": record.password.reveal(),
        "project_name": "admin",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return {"auth": auth, "region_name": REGION, "identity_api_version": "3"}


def write_endpoints(
    settings: LabSettings,
    record: LabRecord,
    bmcs: Sequence[BmcSpec],
    *,
    snmp: SnmpContents = NO_SNMP,
    hosts: HostsRecord | None = None,
    devices: Mapping[str, Endpoint] | None = None,
) -> None:
    """Write where the declared addresses of BMCs, hosts, SNMP and network devices are reached."""
    url = record.url("bmc")
    reached = {
        bmc.address: {"url": url, "system_id": f"/redfish/v1/Systems/{bmc.system_id}"}
        for bmc in bmcs
    }
    agents = {
        device.address: {
            "host": HOST,
            "port": record.ports["snmp"],
            "community": device.name,
            "context": device.name,
        }
        for device in snmp.devices
    }
    # A host that does not run is nobody: nothing may go to its declared address from here.
    absent = {bmc.host: NOBODY for bmc in bmcs}
    logins = _logins(hosts, {**absent, **(devices or {})})
    content = {"bmc": reached, "snmp": agents, "ssh": logins}
    write_private(settings.endpoints, json.dumps(content, indent=1) + "\n")


def _logins(
    hosts: HostsRecord | None, devices: Mapping[str, Endpoint]
) -> dict[str, dict[str, str | int]]:
    """Return where SSH answers for the declared addresses of hosts and network devices."""
    reached = dict(devices)
    if hosts:
        reached |= {host.spec.address: (hosts.address(host), SSH_PORT) for host in hosts.hosts}
    return {
        address: {"host": host, "port": port}
        for address, (host, port) in reached.items()
        if address
    }
