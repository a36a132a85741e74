"""The requests that make a site's system and tenancy layers, as a bare client sends them.

Each function queues the work of one thing, needs first. A `yield` ends a wave: the waves of
all tenants are queued in turn, so that nobody waits while somebody else could be served.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

from orchestrator.model.slices import (
    AggregateSlice,
    FlavorSlice,
    ImageSlice,
    ProjectSlice,
    ProviderNetworkSlice,
    RuleSlice,
    SystemSlice,
    TenantSlice,
)
from tests.bench.bare import BareClient

Row = Mapping[str, Any]
Task = Future[Any]


def make_city(client: BareClient, system: SystemSlice, tenants: Sequence[TenantSlice]) -> None:
    """Make everything; return when it is there."""
    city = _City(client)
    waves = (city.system(system), *(city.tenant(tenant) for tenant in tenants))
    for _ in zip_longest(*waves):
        pass
    client.finish()


class _City:
    def __init__(self, client: BareClient) -> None:
        self.client = client
        self.later = client.later
        self.roles = client.later(self._roles)
        self.pools: dict[str, Task] = {}
        self.wires: dict[str, Task] = {}

    def system(self, system: SystemSlice) -> Iterator[None]:
        """Queue what the platform offers."""
        tags = [f"site:{system.site}"]
        scopes = {
            scope.name: self.later(
                self._make, "network:AddressScope", "address_scope", asdict(scope)
            )
            for scope in system.address_scopes
        }
        for wire in system.provider_networks:
            self.wires[wire.name] = self.later(self._wire, wire, tags)
        for pool in system.subnet_pools:
            body = {
                "name": pool.name,
                "prefixes": pool.prefixes,
                "default_prefixlen": pool.default_prefix_length,
                "shared": pool.shared,
            }
            self.pools[pool.name] = self.later(self._pool, body, scopes[pool.address_scope], tags)
        yield
        for wire in system.provider_networks:
            self.later(self._wire_subnet, wire, self.wires[wire.name], tags)
        for image in system.images:
            self.later(self._image, image)
        for flavor in system.flavors:
            self.later(self._flavor, flavor)
        for aggregate in system.aggregates:
            self.later(self._aggregate, aggregate)
        for sort in system.volume_types:
            self.later(
                self._plain, "volume:VolumeType", "cinder", "types", "volume_type", asdict(sort)
            )

    def tenant(self, tenant: TenantSlice) -> Iterator[None]:
        """Queue a department."""
        domain = self.later(self._domain, tenant)
        yield
        projects = [self.later(self._project, each, domain) for each in tenant.projects]
        managers, members, auditors = (
            self.later(self._in_domain, "identity:Group", "group", {"name": name}, domain)
            for name in ("managers", "members", "auditors")
        )
        password = secrets.token_urlsafe(32)
        user = {"name": "automation", "password": password}
        automation = self.later(self._in_domain, "identity:User", "user", user, domain)
        yield
        self.later(self._assign, "domains", domain, "groups", managers, "manager")
        self.later(self._assign, "domains", domain, "groups", auditors, "reader")
        people = (members, auditors, automation)
        works = [
            self._of_project(each, project, people, password)
            for each, project in zip(tenant.projects, projects, strict=True)
        ]
        for _ in zip_longest(*works):
            yield

    def _of_project(
        self, declared: ProjectSlice, project: Task, people: tuple[Task, ...], password: str
    ) -> Iterator[None]:
        members, auditors, automation = people
        limits = self.later(self._quotas, declared, project)
        network = self.later(self._network, declared, project)
        role = self.later(self._assign, "projects", project, "users", automation, "member")
        self.later(self._assign, "projects", project, "groups", members, "member")
        self.later(self._assign, "projects", project, "groups", auditors, "reader")
        yield
        pool = self.pools.get(declared.subnet_pool or "")
        subnet = self.later(self._subnet, declared, project, network, pool)
        self.later(self._security_group, declared, project, limits)
        yield
        if declared.external_network is not None:
            wire = self.wires[declared.external_network]
            self.later(self._router, declared, project, subnet, wire, limits)
        self.later(self._credential, declared, project, automation, password, role)

    # One thing each.

    def _roles(self) -> Mapping[str, str]:
        listed = self.client.call("GET", "keystone", "/roles")["roles"]
        return {role["name"]: role["id"] for role in listed}

    def _plain(self, kind: str, service: str, path: str, key: str, fields: Row) -> Row:
        made: Row = self.client.make(kind, service, f"/{path}", {key: fields})
        return made

    def _make(self, kind: str, key: str, fields: Row, tags: Sequence[str] = ()) -> Row:
        """Make a thing of Neutron's, whose tags are a request of their own."""
        path = f"/{key.replace('_', '-') if key != 'subnetpool' else key}s"
        row: Row = self.client.make(kind, "neutron", path, {key: fields})
        if tags:
            body = {"tags": tags}
            self.client.call("PUT", "neutron", f"{path}/{row['id']}/tags", json=body)
        return row

    def _pool(self, fields: Row, scope: Row, tags: Sequence[str]) -> Row:
        body = {**fields, "address_scope_id": scope["id"]}
        return self._make("network:SubnetPool", "subnetpool", body, tags)

    def _wire(self, wire: ProviderNetworkSlice, tags: Sequence[str]) -> Row:
        body = {
            "name": wire.name,
            "shared": wire.shared,
            "router:external": wire.external,
            "provider:network_type": wire.kind,
            "provider:physical_network": wire.physical_network,
            "provider:segmentation_id": wire.vlan_id,
        }
        return self._make("network:Network", "network", body, tags)

    def _wire_subnet(self, wire: ProviderNetworkSlice, network: Row, tags: Sequence[str]) -> Row:
        body = {
            "name": wire.name,
            "network_id": network["id"],
            "cidr": wire.prefix,
            "ip_version": 4,
            "gateway_ip": wire.gateway,
            "enable_dhcp": wire.dhcp,
        }
        return self._make("network:Subnet", "subnet", body, tags)

    def _image(self, image: ImageSlice) -> None:
        body = {
            "name": image.name,
            "disk_format": image.disk_format,
            "container_format": "bare",
            "visibility": image.visibility,
            "os_distro": image.os_distro,
            "os_version": image.os_version,
            "tags": ["bench", "bare"],
        }
        row = self.client.make("image:Image", "glance", "/images", body)
        self.client.call(
            "PUT",
            "glance",
            f"/images/{row['id']}/file",
            data=Path(image.file).read_bytes(),
            headers={"Content-Type": "application/octet-stream"},
        )

    def _flavor(self, flavor: FlavorSlice) -> None:
        body = {
            "name": flavor.name,
            "vcpus": flavor.vcpus,
            "ram": flavor.memory_mib,
            "disk": flavor.disk_gib,
        }
        row = self._plain("compute:Flavor", "nova", "flavors", "flavor", body)
        specs = {"extra_specs": {**flavor.extra_specs, "bench": "bare"}}
        self.client.call("POST", "nova", f"/flavors/{row['id']}/os-extra_specs", json=specs)

    def _aggregate(self, aggregate: AggregateSlice) -> None:
        body = {"name": aggregate.name, "availability_zone": aggregate.availability_zone}
        row = self._plain("compute:HostAggregate", "nova", "os-aggregates", "aggregate", body)
        action = {"set_metadata": {"metadata": {**aggregate.metadata, "bench": "bare"}}}
        self.client.call("POST", "nova", f"/os-aggregates/{row['id']}/action", json=action)

    def _domain(self, tenant: TenantSlice) -> Row:
        body = {"name": tenant.name, "description": tenant.description, "tags": ["bench"]}
        row = self._plain("identity:Domain", "keystone", "domains", "domain", body)
        # Undone last first: Keystone deletes no domain that is enabled.
        disabled = {"domain": {"enabled": False}}
        self.client.undo("PATCH", "keystone", f"/domains/{row['id']}", disabled)
        return row

    def _in_domain(self, kind: str, key: str, fields: Row, domain: Row) -> Row:
        body = {**fields, "domain_id": domain["id"], "description": "bench"}
        return self._plain(kind, "keystone", f"{key}s", key, body)

    def _project(self, declared: ProjectSlice, domain: Row) -> Row:
        body = {"name": declared.name, "tags": ["bench"]}
        row = self._in_domain("identity:Project", "project", body, domain)
        self.client.projects.append(row["id"])
        return row

    def _assign(self, where: str, target: Row, who: str, actor: Row, role: str) -> None:
        role_id = self.roles.result()[role]
        path = f"/{where}/{target['id']}/{who}/{actor['id']}/roles/{role_id}"
        self.client.put("identity:RoleAssignment", "keystone", path)

    def _quotas(self, declared: ProjectSlice, project: Row) -> None:
        quota, client, here = declared.quota, self.client, project["id"]
        compute = {"instances": quota.instances, "cores": quota.cores, "ram": quota.memory_mib}
        volume = {"volumes": quota.volumes, "gigabytes": quota.storage_gib}
        network = {
            "port": quota.ports,
            "floatingip": quota.floating_ips,
            "security_group_rule": 100 + len(declared.rules),
        }
        client.put("network:Quota", "neutron", f"/quotas/{here}", {"quota": network})
        client.put("compute:Quota", "nova", f"/os-quota-sets/{here}", {"quota_set": compute})
        client.put("volume:Quota", "cinder", f"/os-quota-sets/{here}", {"quota_set": volume})

    def _network(self, declared: ProjectSlice, project: Row) -> Row:
        body = {"name": declared.name, "project_id": project["id"], "description": declared.title}
        return self._make("network:Network", "network", body, ["bench"])

    def _subnet(self, declared: ProjectSlice, project: Row, network: Row, pool: Row | None) -> Row:
        body = {
            "name": declared.name,
            "project_id": project["id"],
            "network_id": network["id"],
            "cidr": declared.prefix,
            "ip_version": 4,
            "dns_nameservers": declared.dns_servers,
            **({"subnetpool_id": pool["id"]} if pool else {}),
        }
        return self._make("network:Subnet", "subnet", body, ["bench"])

    def _router(
        self, declared: ProjectSlice, project: Row, subnet: Row, wire: Row, _limits: None
    ) -> None:
        body = {
            "name": declared.name,
            "project_id": project["id"],
            "external_gateway_info": {"network_id": wire["id"], "enable_snat": False},
        }
        row = self._make("network:Router", "router", body, ["bench"])
        interface = {"subnet_id": subnet["id"]}
        path = f"/routers/{row['id']}"
        self.client.call("PUT", "neutron", f"{path}/add_router_interface", json=interface)
        self.client.undo("PUT", "neutron", f"{path}/remove_router_interface", interface)

    def _security_group(self, declared: ProjectSlice, project: Row, _limits: None) -> None:
        body = {"name": "declared-flows", "project_id": project["id"]}
        row = self._make("network:SecurityGroup", "security_group", body, ["bench"])
        rules = [_rule(rule, row["id"], project["id"]) for rule in declared.rules]
        body = {"security_group_rules": rules}
        self.client.call("POST", "neutron", "/security-group-rules", json=body)
        for rule in row["security_group_rules"]:
            self.client.call("DELETE", "neutron", f"/security-group-rules/{rule['id']}")

    def _credential(
        self, declared: ProjectSlice, project: Row, user: Row, password: str, _role: None
    ) -> None:
        client, who = self.client, {"id": user["id"], "password": password}
        path = f"/users/{user['id']}/application_credentials"
        credential = {"name": declared.name, "roles": [{"name": "member"}]}
        body = {"application_credential": credential}

        def post() -> Row:
            token = client.token(who, {"id": project["id"]})
            row: Row = client.call("POST", "keystone", path, json=body, token=token)
            return row

        made = client.patiently(post)["application_credential"]
        client.undo("DELETE", "keystone", f"{path}/{made['id']}")
        client.made["identity:ApplicationCredential"] += 1


def _rule(rule: RuleSlice, group_id: str, project_id: str) -> Row:
    return {
        "security_group_id": group_id,
        "project_id": project_id,
        "description": rule.flow,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": None if rule.protocol == "any" else rule.protocol,
        "port_range_min": rule.port_min,
        "port_range_max": rule.port_max,
        "remote_ip_prefix": rule.remote_prefix,
    }
