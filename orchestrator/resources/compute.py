"""Nova's things, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class QuotaArgs:
    """Inputs of a quota."""

    project_id: pulumi.Input[str]
    instances: int
    cores: int
    memory_mib: int


class Quota(GovCloudResource[QuotaArgs]):
    """What a project may use of the compute hosts."""

    kind = "compute:Quota"


@dataclass(frozen=True, kw_only=True)
class FlavorArgs:
    """Inputs of a flavor."""

    name: str
    site: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    extra_specs: Mapping[str, str]
    public: bool = True


class Flavor(GovCloudResource[FlavorArgs]):
    """A size of virtual machine."""

    kind = "compute:Flavor"


@dataclass(frozen=True, kw_only=True)
class HostAggregateArgs:
    """Inputs of a host aggregate."""

    name: str
    site: str
    availability_zone: str
    hosts: Sequence[str]
    metadata: Mapping[str, str]


class HostAggregate(GovCloudResource[HostAggregateArgs]):
    """A host aggregate; hosts that Nova does not know yet are awaited."""

    kind = "compute:HostAggregate"
    computed = ("awaiting",)

    @property
    def awaiting(self) -> pulumi.Output[list[str]]:
        """Return the hosts that Nova does not know yet."""
        value: pulumi.Output[list[str]] = pulumi.get(self, "awaiting")
        return value
