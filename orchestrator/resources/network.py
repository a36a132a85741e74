"""Neutron's things, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class QuotaArgs:
    """Inputs of a quota."""

    project_id: pulumi.Input[str]
    ports: int
    floating_ips: int
    security_group_rules: int


class Quota(GovCloudResource[QuotaArgs]):
    """What a project may use of the network."""

    kind = "network:Quota"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Inputs of a network."""

    name: str
    description: str
    tags: Sequence[str]
    project_id: pulumi.Input[str] | None = None
    shared: bool = False
    external: bool = False
    network_type: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None


class Network(GovCloudResource[NetworkArgs]):
    """A network; with `network_type` a provider network."""

    kind = "network:Network"


@dataclass(frozen=True, kw_only=True)
class SubnetArgs:
    """Inputs of a subnet."""

    name: str
    network_id: pulumi.Input[str]
    cidr: str
    ip_version: int
    enable_dhcp: bool
    description: str
    tags: Sequence[str]
    project_id: pulumi.Input[str] | None = None
    gateway_ip: str | None = None
    dns_nameservers: Sequence[str] | None = None
    subnet_pool: str | None = None


class Subnet(GovCloudResource[SubnetArgs]):
    """A prefix on a network."""

    kind = "network:Subnet"


@dataclass(frozen=True, kw_only=True)
class RouterArgs:
    """Inputs of a router."""

    name: str
    description: str
    tags: Sequence[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    project_id: pulumi.Input[str] | None = None
    external_network: str | None = None


class Router(GovCloudResource[RouterArgs]):
    """A router with its gateway and its interfaces."""

    kind = "network:Router"


@dataclass(frozen=True, kw_only=True)
class SecurityGroupArgs:
    """Inputs of a security group."""

    name: str
    description: str
    tags: Sequence[str]
    rules: Sequence[str]
    project_id: pulumi.Input[str] | None = None


class SecurityGroup(GovCloudResource[SecurityGroupArgs]):
    """A security group that owns its rules, each in written form."""

    kind = "network:SecurityGroup"


@dataclass(frozen=True, kw_only=True)
class AddressScopeArgs:
    """Inputs of an address scope."""

    name: str
    ip_version: int
    shared: bool


class AddressScope(GovCloudResource[AddressScopeArgs]):
    """A set of addresses in which routing needs no translation."""

    kind = "network:AddressScope"


@dataclass(frozen=True, kw_only=True)
class SubnetPoolArgs:
    """Inputs of a subnet pool."""

    name: str
    prefixes: Sequence[str]
    default_prefix_length: int
    address_scope_id: pulumi.Input[str]
    shared: bool
    description: str
    tags: Sequence[str]


class SubnetPool(GovCloudResource[SubnetPoolArgs]):
    """Address space that subnets are cut from."""

    kind = "network:SubnetPool"
