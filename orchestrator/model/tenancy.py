"""The tenancy layer: departments, their projects and what they may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Annotated

from annotated_types import Interval

from orchestrator.model.service import DatabaseService
from orchestrator.model.units import NOWHERE, Name, NaturalInt, Source, Text

ProtectionLevel = Annotated[int, Interval(ge=1, le=4)]
"""等保 grade, GB/T 22239-2019."""
DataLevel = Annotated[int, Interval(ge=1, le=4)]
"""L1 public to L4 extremely sensitive; mapped to GB/T 43697's three classes by the site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """A person or desk that answers for a tenant."""

    name: str
    duty: str
    email: str
    phone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What a project may use; memory and storage in GiB."""

    instances: NaturalInt
    cores: NaturalInt
    memory_gib: NaturalInt
    volumes: NaturalInt
    storage_gib: NaturalInt
    ports: NaturalInt = 50
    floating_ips: NaturalInt = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """One system of a tenant: a Keystone project with its network."""

    name: Name
    display: Text
    region: Name
    zone: Name
    prefix: IPv4Network
    quota: Quota
    backup: Name | None = None
    """A backup policy of the system layer."""
    protection_level: ProtectionLevel | None = None
    """None: the tenant's."""
    data_level: DataLevel | None = None
    """None: the tenant's."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """A department: one Keystone domain and its projects."""

    name: Name
    display: Text
    region: Name
    contacts: tuple[Contact, ...]
    protection_level: ProtectionLevel
    data_level: DataLevel
    projects: tuple[Project, ...]
    services: tuple[DatabaseService, ...] = ()
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """Leave to delete a thing that the site no longer declares.

    Without it the thing is planned as an orphan and kept.
    """

    thing: str
    """`tenant/NAME`, `project/TENANT/NAME`, `server/NAME`, `image/NAME`, ..."""
    reason: str
    approved_by: str
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class TenancyLayer:
    """Everything of the tenants."""

    tenants: tuple[Tenant, ...] = ()
