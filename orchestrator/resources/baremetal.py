"""Ironic's things, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class ServerArgs:
    """Inputs of a server."""

    name: str
    site: str
    stack: str
    region: str
    rack: str
    unit: int
    serial: str
    role: str
    profile: str
    resource_class: str
    traits: Sequence[str]
    bmc_address: str
    bmc_user: str
    bmc_password: str
    """A `secret://` reference; the provider opens it at the wire."""
    cpu_threads: int
    memory_gib: int
    disk_gib: int
    architecture: str
    nics: Mapping[str, str]
    """By MAC: `switch/port`, and ` pxe` where the server boots from it."""
    available: bool = True


class Server(GovCloudResource[ServerArgs]):
    """A server, enrolled, inspected and available for deployment."""

    kind = "baremetal:Server"
