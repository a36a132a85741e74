"""One system of a department: project, quotas, who may use it, network, rules, credential."""

from dataclasses import dataclass

import pulumi

from orchestrator.model.slices import ProjectSlice, TenantSlice
from orchestrator.resources import compute, network, volume
from orchestrator.resources.identity import (
    ApplicationCredential,
    ApplicationCredentialArgs,
    Domain,
    Group,
    Project,
    ProjectArgs,
    RoleAssignment,
    RoleAssignmentArgs,
    User,
)
from orchestrator.resources.resource import after, owner_tags

NEUTRON_DEFAULT_RULES = 100
"""Neutron's own limit of rules in a project; ours come on top of what the department adds."""


@dataclass(frozen=True, kw_only=True)
class Department:
    """What all projects of a department share."""

    tenant: TenantSlice
    domain: Domain
    members: Group
    auditors: Group
    automation: User


def declare_project(department: Department, declared: ProjectSlice) -> Project:
    """Declare a project with everything that belongs to it."""
    tenant = department.tenant
    thing = f"project/{tenant.name}/{declared.name}"
    tags = owner_tags(site=tenant.site, stack=f"tenancy/{tenant.name}", thing=thing)
    project = Project(
        thing,
        ProjectArgs(
            name=declared.name,
            domain_id=department.domain.id,
            description=declared.title,
            tags=[
                *tags,
                f"protection-level:{declared.protection_level}",
                f"data-level:{declared.data_level}",
                f"region:{declared.region}",
                f"zone:{declared.zone}",
            ],
        ),
    )
    _declare_access(department, declared, project)
    limits = _declare_quotas(thing, declared, project)
    _declare_network(thing, declared, tags=tags, project=project, limits=limits)
    return project


def _declare_access(department: Department, declared: ProjectSlice, project: Project) -> None:
    thing = f"project/{department.tenant.name}/{declared.name}"
    RoleAssignment(
        f"{thing}#members-member",
        RoleAssignmentArgs(role="member", project_id=project.id, group_id=department.members.id),
    )
    RoleAssignment(
        f"{thing}#auditors-reader",
        RoleAssignmentArgs(role="reader", project_id=project.id, group_id=department.auditors.id),
    )
    automation = RoleAssignment(
        f"{thing}#automation-member",
        RoleAssignmentArgs(role="member", project_id=project.id, user_id=department.automation.id),
    )
    ApplicationCredential(
        f"{thing}#credential",
        ApplicationCredentialArgs(
            name=declared.name,
            user_id=department.automation.id,
            password=department.automation.password,
            project_id=project.id,
            roles=["member"],
            description=f"programs of {declared.title}",
        ),
        after(automation),
    )


def _declare_quotas(thing: str, declared: ProjectSlice, project: Project) -> network.Quota:
    """Declare the quotas; return the network's, which later things have to wait for."""
    quota = declared.quota
    compute.Quota(
        f"{thing}#compute-quota",
        compute.QuotaArgs(
            project_id=project.id,
            instances=quota.instances,
            cores=quota.cores,
            memory_mib=quota.memory_mib,
        ),
    )
    volume.Quota(
        f"{thing}#volume-quota",
        volume.QuotaArgs(
            project_id=project.id, volumes=quota.volumes, storage_gib=quota.storage_gib
        ),
    )
    return network.Quota(
        f"{thing}#network-quota",
        network.QuotaArgs(
            project_id=project.id,
            ports=quota.ports,
            floating_ips=quota.floating_ips,
            security_group_rules=NEUTRON_DEFAULT_RULES + len(declared.rules),
        ),
    )


def _declare_network(
    thing: str,
    declared: ProjectSlice,
    *,
    tags: list[str],
    project: Project,
    limits: pulumi.Resource,
) -> None:
    wire = network.Network(
        f"{thing}#network",
        network.NetworkArgs(
            name=declared.name, project_id=project.id, description=declared.title, tags=tags
        ),
    )
    subnet = network.Subnet(
        f"{thing}#subnet",
        network.SubnetArgs(
            name=declared.name,
            project_id=project.id,
            network_id=wire.id,
            cidr=declared.prefix,
            ip_version=4,
            enable_dhcp=True,
            dns_nameservers=declared.dns_servers,
            subnet_pool=declared.subnet_pool,
            description=declared.title,
            tags=tags,
        ),
    )
    if declared.external_network is not None:
        network.Router(
            f"{thing}#router",
            network.RouterArgs(
                name=declared.name,
                project_id=project.id,
                external_network=declared.external_network,
                subnet_ids=[subnet.id],
                description=declared.title,
                tags=tags,
            ),
            after(limits),
        )
    network.SecurityGroup(
        f"{thing}#security-group",
        network.SecurityGroupArgs(
            name="default",
            project_id=project.id,
            description=f"declared flows of {declared.title}",
            rules=[str(rule) for rule in declared.rules],
            tags=tags,
        ),
        after(limits),
    )
