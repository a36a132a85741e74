"""The ports by which routers stand on subnets."""

from __future__ import annotations

from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.cloud import Cloud

INTERFACES = [
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
]
"""Owners of the ports that are a router's interfaces: plain, distributed, highly available."""


def interface_ports(cloud: Cloud) -> Bulk:
    """Return the one list of all routers' interface ports."""
    return cloud.bulk(
        "network",
        "/ports",
        "ports",
        params={"device_owner": INTERFACES, "fields": ["id", "device_id", "fixed_ips"]},
    )
