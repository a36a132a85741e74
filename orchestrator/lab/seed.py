"""What a fresh cloud holds before anybody uses it: service users, the catalog, a few defaults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from orchestrator.lab.clouds import CATALOG, cloud_entry
from orchestrator.lab.configs.cinder import DEFAULT_TYPE
from orchestrator.lab.record import LabRecord
from orchestrator.lab.settings import REGION

if TYPE_CHECKING:
    from openstack.connection import Connection
    from openstack.identity.v3._proxy import Proxy as IdentityV3

SERVICE_PROJECT = "service"
DEFAULT_DOMAIN = "default"


@contextmanager
def connected(record: LabRecord) -> Iterator[Connection]:
    """Log in as the lab's administrator, whatever the caller's environment says."""
    from keystoneauth1.identity.v3 import Password
    from keystoneauth1.session import Session
    from openstack.connection import Connection

    login = Password(**cloud_entry(record)["auth"])
    cloud = Connection(session=Session(auth=login, app_name="lab"), region_name=REGION)
    try:
        yield cloud
    finally:
        cloud.close()


def seed_identity(record: LabRecord) -> None:
    """Make the services' users and catalog entries; what is there stays."""
    with connected(record) as cloud:
        # A fresh Keystone offers v3 only; the SDK's type allows v2 as well.
        _seed_catalog(record, cast("IdentityV3", cloud.identity))


def _seed_catalog(record: LabRecord, identity: IdentityV3) -> None:
    projects = list(identity.projects(name=SERVICE_PROJECT, domain_id=DEFAULT_DOMAIN))
    project = (
        projects[0]
        if projects
        else identity.create_project(name=SERVICE_PROJECT, domain_id=DEFAULT_DOMAIN)
    )
    roles = {role.name: role for role in identity.roles()}
    users = {user.name: user for user in identity.users(domain_id=DEFAULT_DOMAIN)}
    services = {service.type: service for service in identity.services()}
    endpoints = {(one.service_id, one.interface) for one in identity.endpoints()}
    for entry in CATALOG:
        user = users.get(entry.service) or identity.create_user(
            name=entry.service, password=record.password.reveal(), domain_id=DEFAULT_DOMAIN
        )
        for role in ("admin", "service"):
            identity.assign_project_role_to_user(project, user, roles[role])
        service = services.get(entry.kind) or identity.create_service(
            name=entry.service, type=entry.kind
        )
        for interface in ("public", "internal", "admin"):
            if (service.id, interface) not in endpoints:
                identity.create_endpoint(
                    service_id=service.id,
                    interface=interface,
                    url=record.url(entry.service) + entry.path,
                    region_id=REGION,
                )


def seed_services(record: LabRecord) -> None:
    """Make what the other services expect to be there; what is there stays."""
    with connected(record) as cloud:
        _seed_security_group_rules(cloud)
        if all(one.name != DEFAULT_TYPE for one in cloud.block_storage.types()):
            cloud.block_storage.create_type(
                name=DEFAULT_TYPE, extra_specs={"volume_backend_name": "lab"}
            )


def _seed_security_group_rules(cloud: Connection) -> None:
    """Make the four default rules that one of Neutron's migrations would insert."""
    network = cloud.network
    if any(True for _ in network.default_security_group_rules()):
        return
    for ether_type in ("IPv4", "IPv6"):
        network.create_default_security_group_rule(
            direction="egress",
            ether_type=ether_type,
            used_in_default_sg=True,
            used_in_non_default_sg=True,
        )
        network.create_default_security_group_rule(
            direction="ingress",
            ether_type=ether_type,
            remote_group_id="PARENT",
            used_in_default_sg=True,
            used_in_non_default_sg=False,
        )
