"""One department: its domain and groups, and for each of its systems a project with its network."""

import pulumi
from project import Department, declare_project

from orchestrator.model.slices import TenantSlice
from orchestrator.resources.identity import (
    Domain,
    DomainArgs,
    Group,
    GroupArgs,
    RoleAssignment,
    RoleAssignmentArgs,
    User,
    UserArgs,
)
from orchestrator.resources.resource import owner_tags
from orchestrator.resources.slice import read_slice

tenant = read_slice(TenantSlice)
thing = f"tenant/{tenant.name}"

domain = Domain(
    thing,
    DomainArgs(
        name=tenant.name,
        description=tenant.description,
        tags=[
            *owner_tags(site=tenant.site, stack=f"tenancy/{tenant.name}", thing=thing),
            f"protection-level:{tenant.protection_level}",
            f"data-level:{tenant.data_level}",
        ],
    ),
)


def group(name: str, duty: str) -> Group:
    """Declare a group of the department; the department says who is in it."""
    return Group(
        f"{thing}#{name}",
        GroupArgs(name=name, domain_id=domain.id, description=f"{duty} of {tenant.title}"),
    )


# Three duties in three pairs of hands, as protection level 3 wants it (GB/T 22239-2019, 8.1.5).
managers = group("managers", "system administrators")
members = group("members", "operators")
auditors = group("auditors", "auditors")

RoleAssignment(
    f"{thing}#managers-manager",
    RoleAssignmentArgs(role="manager", domain_id=domain.id, group_id=managers.id),
)
RoleAssignment(
    f"{thing}#auditors-reader",
    RoleAssignmentArgs(role="reader", domain_id=domain.id, group_id=auditors.id),
)
automation = User(
    f"{thing}#automation",
    UserArgs(
        name="automation",
        domain_id=domain.id,
        description=f"programs of {tenant.title}",
    ),
)

department = Department(
    tenant=tenant, domain=domain, members=members, auditors=auditors, automation=automation
)
for each in tenant.projects:
    project = declare_project(department, each)
    pulumi.export(f"{each.name}_project_id", project.id)
