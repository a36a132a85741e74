"""The provider against a real OpenStack: what it makes is what it reads back, kind by kind."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import CloudError
from orchestrator.lab.settings import CLOUD
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.ports.provider import Made, PartlyMadeError
from orchestrator.providers.govcloud import GovCloud, open_provider
from orchestrator.providers.openstack.rest import Rest
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab

RUN = uuid.uuid4().hex[:6]
TAGS = [f"site:t{RUN}", "stack:tenancy.x", "thing:tenant.x"]


class OneSecret:
    """A store in which every reference opens to the BMC password of the lab."""

    def get(self, ref: SecretRef) -> Secret:
        return Secret("password")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise AssertionError("the provider stores nothing")


@pytest.fixture(scope="module")
def provider(lab: RunningLab) -> Iterator[GovCloud]:
    endpoints = json.loads(lab.settings.endpoints.read_text())
    opened = open_provider(
        CLOUD, OneSecret(), endpoints, site="test", config_files=[lab.settings.clouds]
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def domain(provider: GovCloud) -> Iterator[Made]:
    inputs: dict[str, Json] = {"name": f"dom-{RUN}", "description": "d", "tags": TAGS}
    made = provider.create("govcloud:identity:Domain", inputs)
    yield made
    provider.delete("govcloud:identity:Domain", made, inputs)


@pytest.fixture(scope="module")
def project(provider: GovCloud, domain: Made) -> Iterator[Made]:
    inputs: dict[str, Json] = {
        "name": f"prj-{RUN}",
        "domain_id": domain.id,
        "description": "p",
        "tags": TAGS,
    }
    made = provider.create("govcloud:identity:Project", inputs)
    yield made
    provider.delete("govcloud:identity:Project", made, inputs)


def readable(provider: GovCloud, kind: str, inputs: Mapping[str, Json]) -> dict[str, Json]:
    hidden = provider.kinds[kind].write_only
    return {k: v for k, v in inputs.items() if k not in hidden}


def seen(provider: GovCloud, kind: str, made: Made) -> dict[str, Json]:
    observed = provider.list(kind, [made.id, f"{made.id}0"])
    assert list(observed) == [made.id]
    return dict(observed[made.id].properties)


def assert_reads_back(
    provider: GovCloud, kind: str, made: Made, inputs: Mapping[str, Json]
) -> None:
    wanted = readable(provider, kind, inputs)
    there = seen(provider, kind, made)
    assert {k: there.get(k) for k in wanted} == wanted


def live(
    provider: GovCloud,
    kind: str,
    inputs: Mapping[str, Json],
    *,
    changes: Mapping[str, Json],
    tamper: Callable[[GovCloud, Made], str],
) -> None:
    """Take a resource through its life: make, make again, change, have changed, mend, delete."""
    checked, faults = provider.check(kind, inputs)
    assert faults == ()
    made = provider.create(kind, checked)
    assert_reads_back(provider, kind, made, checked)

    assert provider.create(kind, checked).id == made.id

    current = dict(checked)
    for name, value in changes.items():
        new, _ = provider.check(kind, {**current, name: value})
        diff = provider.diff(kind, current, new)
        assert (diff.changes, diff.replaces) == ((name,), ())
        outputs = provider.update(kind, made, old=current, new=new)
        made = Made(id=made.id, outputs=outputs)
        assert_reads_back(provider, kind, made, new)
        current = dict(new)

    changed_outside = tamper(provider, made)
    there = seen(provider, kind, made)
    assert there[changed_outside] != current[changed_outside]
    overlaid = {**current, changed_outside: there[changed_outside]}
    provider.update(kind, made, old=overlaid, new=current)
    assert_reads_back(provider, kind, made, current)

    provider.delete(kind, made, current)
    assert provider.list(kind, [made.id]) == {}
    provider.delete(kind, made, current)


def service(provider: GovCloud, name: str) -> Rest:
    return provider.cloud.service(name)


def set_outside(
    place: str, path: str, body: Mapping[str, Any], *, verb: str, says: str
) -> Callable[[GovCloud, Made], str]:
    def tamper(provider: GovCloud, made: Made) -> str:
        rest = service(provider, place)
        send = {"PATCH": rest.patch, "PUT": rest.put, "POST": rest.post_again}[verb]
        send(path.format(made.id), body)
        return says

    return tamper


def test_domain(provider: GovCloud) -> None:
    live(
        provider,
        "govcloud:identity:Domain",
        {"name": f"d2-{RUN}", "description": "甲", "enabled": True, "tags": TAGS},
        changes={"description": "乙", "tags": [*TAGS, "data-level:2"]},
        tamper=set_outside(
            "identity",
            "/domains/{}",
            {"domain": {"enabled": False}},
            verb="PATCH",
            says="enabled",
        ),
    )


def test_project(provider: GovCloud, domain: Made) -> None:
    live(
        provider,
        "govcloud:identity:Project",
        {"name": f"p2-{RUN}", "domain_id": domain.id, "description": "a", "tags": TAGS},
        changes={"description": "b", "tags": [*TAGS, "zone:dmz"]},
        tamper=set_outside(
            "identity",
            "/projects/{}",
            {"project": {"description": "x"}},
            verb="PATCH",
            says="description",
        ),
    )


def test_group(provider: GovCloud, domain: Made) -> None:
    live(
        provider,
        "govcloud:identity:Group",
        {"name": "members", "domain_id": domain.id, "description": "a"},
        changes={"description": "b"},
        tamper=set_outside(
            "identity", "/groups/{}", {"group": {"name": "x"}}, verb="PATCH", says="name"
        ),
    )


def test_user(provider: GovCloud, domain: Made) -> None:
    live(
        provider,
        "govcloud:identity:User",
        {"name": "automation", "domain_id": domain.id, "description": "a", "enabled": True},
        changes={"description": "b"},
        tamper=set_outside(
            "identity", "/users/{}", {"user": {"enabled": False}}, verb="PATCH", says="enabled"
        ),
    )


def test_role_assignment(provider: GovCloud, domain: Made, project: Made) -> None:
    kind = "govcloud:identity:RoleAssignment"
    group_inputs: dict[str, Json] = {"name": "g3", "domain_id": domain.id}
    group = provider.create("govcloud:identity:Group", group_inputs)
    for target in ({"project_id": project.id}, {"domain_id": domain.id}):
        inputs: dict[str, Json] = {"role": "reader", "group_id": group.id, **target}
        checked, faults = provider.check(kind, inputs)
        assert faults == ()
        made = provider.create(kind, checked)
        assert provider.create(kind, checked).id == made.id
        assert_reads_back(provider, kind, made, checked)
        provider.delete(kind, made, checked)
        assert provider.list(kind, [made.id]) == {}
    provider.delete("govcloud:identity:Group", group, group_inputs)


def test_application_credential_opens_the_project_and_nothing_shows_its_secret(
    provider: GovCloud, domain: Made, project: Made
) -> None:
    user_inputs: dict[str, Json] = {"name": "svc", "domain_id": domain.id, "description": ""}
    user = provider.create("govcloud:identity:User", user_inputs)
    role: dict[str, Json] = {"role": "member", "project_id": project.id, "user_id": user.id}
    provider.create("govcloud:identity:RoleAssignment", role)
    kind = "govcloud:identity:ApplicationCredential"
    inputs: dict[str, Json] = {
        "name": "portal",
        "user_id": user.id,
        "project_id": project.id,
        "password": user.outputs["password"],
        "roles": ["member"],
        "description": "programs",
    }
    made = provider.create(kind, inputs)
    assert_reads_back(provider, kind, made, inputs)
    assert "password" not in made.outputs
    assert provider.kinds[kind].secret_outputs == {"secret"}
    assert len(str(made.outputs["secret"])) > 20

    # A killed run left one whose secret nobody knows: it is made anew, and there is one.
    again = provider.create(kind, inputs)
    assert again.id != made.id
    assert list(provider.list(kind, [made.id, again.id])) == [again.id]

    provider.delete(kind, again, inputs)
    assert provider.list(kind, [again.id]) == {}
    provider.delete("govcloud:identity:User", user, user_inputs)


def test_an_adopted_user_gets_a_password_that_works(
    provider: GovCloud, domain: Made, project: Made
) -> None:
    inputs: dict[str, Json] = {"name": "adopted", "domain_id": domain.id, "description": ""}
    first = provider.create("govcloud:identity:User", inputs)
    second = provider.create("govcloud:identity:User", inputs)
    assert second.id == first.id
    assert second.outputs["password"] != first.outputs["password"]
    role: dict[str, Json] = {"role": "member", "project_id": project.id, "user_id": second.id}
    provider.create("govcloud:identity:RoleAssignment", role)
    credential: dict[str, Json] = {
        "name": "proof",
        "user_id": second.id,
        "project_id": project.id,
        "password": second.outputs["password"],
        "roles": ["member"],
    }
    kind = "govcloud:identity:ApplicationCredential"
    opening = provider.create(kind, credential)
    assert opening.outputs["secret"]
    provider.delete(kind, opening, credential)
    provider.delete("govcloud:identity:User", second, inputs)


@pytest.mark.parametrize(
    ("kind", "limits", "change", "outside"),
    [
        (
            "compute",
            {"instances": 3, "cores": 7, "memory_mib": 2048},
            ("cores", 9),
            ("compute", "/os-quota-sets/{}", {"quota_set": {"cores": 1}}, "cores"),
        ),
        (
            "volume",
            {"volumes": 3, "storage_gib": 70},
            ("storage_gib", 90),
            ("block-storage", "/os-quota-sets/{}", {"quota_set": {"volumes": 1}}, "volumes"),
        ),
        (
            "network",
            {"ports": 33, "floating_ips": 2, "security_group_rules": 120},
            ("ports", 44),
            ("network", "/quotas/{}", {"quota": {"port": 1}}, "ports"),
        ),
    ],
)
def test_quota(
    provider: GovCloud,
    project: Made,
    kind: str,
    limits: dict[str, Json],
    change: tuple[str, Json],
    outside: tuple[str, str, dict[str, Any], str],
) -> None:
    token = f"govcloud:{kind}:Quota"
    inputs: dict[str, Json] = {"project_id": project.id, **limits}
    made = provider.create(token, inputs)
    assert_reads_back(provider, token, made, inputs)
    new = {**inputs, change[0]: change[1]}
    provider.update(token, made, old=inputs, new=new)
    assert_reads_back(provider, token, made, new)
    place, path, body, says = outside
    service(provider, place).put(path.format(made.id), body)
    assert seen(provider, token, made)[says] != new[says]
    provider.delete(token, made, new)
    after = provider.list(token, [made.id])
    assert not after or after[made.id].properties[says] not in {1, new[says]}


def network_inputs(project: Made, name: str) -> dict[str, Json]:
    return {
        "name": name,
        "project_id": project.id,
        "description": "门户",
        "shared": False,
        "external": False,
        "tags": TAGS,
    }


def test_network(provider: GovCloud, project: Made) -> None:
    live(
        provider,
        "govcloud:network:Network",
        network_inputs(project, "portal"),
        changes={"description": "b", "name": "portal-2", "tags": TAGS[:2]},
        tamper=set_outside(
            "network", "/networks/{}/tags", {"tags": ["x"]}, verb="PUT", says="tags"
        ),
    )


def test_provider_network(provider: GovCloud) -> None:
    live(
        provider,
        "govcloud:network:Network",
        {
            "name": f"wire-{RUN}",
            "description": "zone x",
            "shared": False,
            "external": True,
            "network_type": "vlan",
            "physical_network": "physnet1",
            "segmentation_id": 2000 + int(RUN, 16) % 900,
            "tags": TAGS,
        },
        changes={"shared": True},
        tamper=set_outside(
            "network", "/networks/{}", {"network": {"shared": False}}, verb="PUT", says="shared"
        ),
    )


def test_subnet_of_a_pool_with_its_scope(provider: GovCloud, project: Made) -> None:
    scope_inputs: dict[str, Json] = {"name": f"scope-{RUN}", "ip_version": 4, "shared": True}
    scope = provider.create("govcloud:network:AddressScope", scope_inputs)
    assert_reads_back(provider, "govcloud:network:AddressScope", scope, scope_inputs)
    pool_inputs: dict[str, Json] = {
        "name": f"pool-{RUN}",
        "prefixes": ["10.201.0.0/16"],
        "default_prefix_length": 24,
        "address_scope_id": scope.id,
        "shared": True,
        "description": "",
        "tags": TAGS,
    }
    pool = provider.create("govcloud:network:SubnetPool", pool_inputs)
    assert_reads_back(provider, "govcloud:network:SubnetPool", pool, pool_inputs)
    assert provider.create("govcloud:network:SubnetPool", pool_inputs).id == pool.id
    grown = {**pool_inputs, "prefixes": ["10.201.0.0/16", "10.202.0.0/16"]}
    checked, _ = provider.check("govcloud:network:SubnetPool", grown)
    provider.update("govcloud:network:SubnetPool", pool, old=pool_inputs, new=checked)
    assert seen(provider, "govcloud:network:SubnetPool", pool)["prefixes"] == ["10.201.0.0/15"] or (
        seen(provider, "govcloud:network:SubnetPool", pool)["prefixes"] == checked["prefixes"]
    )
    wire_inputs = network_inputs(project, "n-subnet")
    wire = provider.create("govcloud:network:Network", wire_inputs)
    live(
        provider,
        "govcloud:network:Subnet",
        {
            "name": "s",
            "project_id": project.id,
            "network_id": wire.id,
            "cidr": "10.201.7.0/24",
            "ip_version": 4,
            "enable_dhcp": True,
            "dns_nameservers": ["10.0.0.53", "10.0.0.52"],
            "subnet_pool": f"pool-{RUN}",
            "description": "a",
            "tags": TAGS,
        },
        changes={"dns_nameservers": ["10.0.0.52"], "enable_dhcp": False, "description": "b"},
        tamper=set_outside(
            "network",
            "/subnets/{}",
            {"subnet": {"dns_nameservers": ["9.9.9.9"]}},
            verb="PUT",
            says="dns_nameservers",
        ),
    )
    provider.delete("govcloud:network:Network", wire, wire_inputs)
    provider.delete("govcloud:network:SubnetPool", pool, pool_inputs)
    provider.delete("govcloud:network:AddressScope", scope, scope_inputs)


def test_router_with_gateway_and_interfaces(provider: GovCloud, project: Made) -> None:
    outer_inputs: dict[str, Json] = {
        "name": f"ext-{RUN}",
        "description": "",
        "external": True,
        "network_type": "vlan",
        "physical_network": "physnet1",
        "segmentation_id": 2900 + int(RUN, 16) % 90,
        "tags": TAGS,
    }
    outer = provider.create("govcloud:network:Network", outer_inputs)
    outer_subnet_inputs: dict[str, Json] = {
        "name": f"ext-{RUN}",
        "network_id": outer.id,
        "cidr": "198.51.100.0/24",
        "ip_version": 4,
        "enable_dhcp": False,
        "description": "",
        "tags": TAGS,
    }
    outer_subnet = provider.create("govcloud:network:Subnet", outer_subnet_inputs)
    wire_inputs = network_inputs(project, "n-router")
    wire = provider.create("govcloud:network:Network", wire_inputs)
    subnets = [
        provider.create(
            "govcloud:network:Subnet",
            {
                "name": f"r{part}",
                "project_id": project.id,
                "network_id": wire.id,
                "cidr": f"10.20{part}.0.0/24",
                "ip_version": 4,
                "enable_dhcp": True,
            },
        )
        for part in (3, 4)
    ]

    def take_interface(provider: GovCloud, made: Made) -> str:
        service(provider, "network").put(
            f"/routers/{made.id}/remove_router_interface", {"subnet_id": subnets[0].id}
        )
        return "subnet_ids"

    live(
        provider,
        "govcloud:network:Router",
        {
            "name": "r",
            "project_id": project.id,
            "external_network": f"ext-{RUN}",
            "subnet_ids": [subnets[0].id],
            "description": "a",
            "tags": TAGS,
        },
        changes={"subnet_ids": [each.id for each in subnets], "description": "b"},
        tamper=take_interface,
    )
    for each in subnets:
        provider.delete("govcloud:network:Subnet", each, {})
    provider.delete("govcloud:network:Network", wire, wire_inputs)
    provider.delete("govcloud:network:Subnet", outer_subnet, outer_subnet_inputs)
    provider.delete("govcloud:network:Network", outer, outer_inputs)


def test_security_group_has_the_declared_rules_and_no_other(
    provider: GovCloud, project: Made
) -> None:
    def let_everything_in(provider: GovCloud, made: Made) -> str:
        rule = {"security_group_id": made.id, "direction": "ingress", "ethertype": "IPv4"}
        service(provider, "network").post("/security-group-rules", {"security_group_rule": rule})
        return "rules"

    live(
        provider,
        "govcloud:network:SecurityGroup",
        {
            "name": "declared-flows",
            "project_id": project.id,
            "description": "a",
            "rules": [
                "web: ingress tcp 443 from 0.0.0.0/0",
                "web: ingress tcp 443 from ::/0",
                "own: egress any any to 10.1.0.0/24",
                "ping: ingress icmp any from 10.0.0.0/8",
                "ping: ingress ipv6-icmp any from 2001:db8::/32",
                "range: egress udp 100-120 to 10.2.0.0/16",
            ],
            "tags": TAGS,
        },
        changes={"rules": ["web: ingress tcp 443 from 0.0.0.0/0"], "description": "b"},
        tamper=let_everything_in,
    )


def test_flavor(provider: GovCloud) -> None:
    live(
        provider,
        "govcloud:compute:Flavor",
        {
            "name": f"f-{RUN}",
            "site": f"t{RUN}",
            "vcpus": 2.0,
            "memory_mib": 1024,
            "disk_gib": 0,
            "public": True,
            "extra_specs": {"hw:cpu_policy": "shared", "aggregate_instance_extra_specs:a": "1"},
        },
        changes={"extra_specs": {"hw:cpu_policy": "dedicated"}},
        tamper=set_outside(
            "compute",
            "/flavors/{}/os-extra_specs",
            {"extra_specs": {"hw:cpu_policy": "shared"}},
            verb="POST",
            says="extra_specs",
        ),
    )


def test_a_flavor_of_another_site_is_not_taken(provider: GovCloud) -> None:
    inputs: dict[str, Json] = {
        "name": f"theirs-{RUN}",
        "site": "another",
        "vcpus": 1,
        "memory_mib": 64,
        "disk_gib": 0,
        "extra_specs": {},
    }
    made = provider.create("govcloud:compute:Flavor", inputs)
    with pytest.raises(CloudError, match="not tagged as this site's"):
        provider.create("govcloud:compute:Flavor", {**inputs, "site": "ours"})
    provider.delete("govcloud:compute:Flavor", made, inputs)


def known_hosts(provider: GovCloud) -> list[str]:
    rows = service(provider, "compute").pages("/os-services", "services", binary="nova-compute")
    return sorted(row["host"] for row in rows)


def test_host_aggregate_awaits_hosts_that_nova_does_not_know(provider: GovCloud) -> None:
    kind = "govcloud:compute:HostAggregate"
    known = known_hosts(provider)
    awaited = [f"cmp-{RUN}-{number:03}" for number in range(60)]
    inputs: dict[str, Json] = {
        "name": f"agg-{RUN}",
        "site": f"t{RUN}",
        "availability_zone": f"az-{RUN}",
        "hosts": sorted([known[0], *awaited]),
        "metadata": {"rack": "r1"},
    }
    made = provider.create(kind, inputs)
    assert made.outputs["awaiting"] == awaited
    assert_reads_back(provider, kind, made, inputs)
    raw = service(provider, "compute").get(f"/os-aggregates/{made.id}")["aggregate"]
    assert raw["hosts"] == [known[0]]
    assert provider.create(kind, inputs).id == made.id

    # An awaited host that Nova comes to know is a member to be: that is a difference.
    late = {"govcloud:awaiting-00": ",".join([known[1], "cmp-x"])}
    service(provider, "compute").post_again(
        f"/os-aggregates/{made.id}/action", {"set_metadata": {"metadata": late}}
    )
    assert known[1] not in seen(provider, kind, made)["hosts"]  # type: ignore[operator] # a list
    new: dict[str, Json] = {**inputs, "hosts": sorted([known[1], "cmp-x"]), "metadata": {}}
    outputs = provider.update(kind, made, old=inputs, new=new)
    assert outputs["awaiting"] == ["cmp-x"]
    assert_reads_back(provider, kind, made, new)
    raw = service(provider, "compute").get(f"/os-aggregates/{made.id}")["aggregate"]
    assert raw["hosts"] == [known[1]]
    provider.delete(kind, made, new)
    assert provider.list(kind, [made.id]) == {}


def image_inputs(path: Path, content: bytes, name: str) -> dict[str, Json]:
    path.write_bytes(content)
    return {
        "name": f"{name}-{RUN}",
        "title": "操作系统 OS",
        "file": str(path),
        "sha256": hashlib.sha256(content).hexdigest(),
        "disk_format": "raw",
        "os_distro": "openeuler",
        "os_version": "22.03",
        "min_disk_gib": 1,
        "min_memory_mib": 512,
        "visibility": "public",
        "tags": TAGS,
    }


def test_image(provider: GovCloud, tmp_path: Path) -> None:
    live(
        provider,
        "govcloud:image:Image",
        image_inputs(tmp_path / "a.raw", b"boot" * 300_000, "img"),
        changes={"title": "b", "min_disk_gib": 2, "visibility": "private", "tags": TAGS[:1]},
        tamper=set_outside_image,
    )


def set_outside_image(provider: GovCloud, made: Made) -> str:
    service(provider, "image").put(f"/images/{made.id}/tags/extra")
    return "tags"


def test_an_image_with_other_content_is_not_uploaded(provider: GovCloud, tmp_path: Path) -> None:
    inputs = image_inputs(tmp_path / "b.raw", b"good", "bad")
    (tmp_path / "b.raw").write_bytes(b"evil")
    with pytest.raises(CloudError, match="nothing was uploaded"):
        provider.create("govcloud:image:Image", inputs)
    rows = service(provider, "image").pages("/images", "images", name=inputs["name"])
    assert rows == []


def test_a_half_uploaded_image_is_finished(provider: GovCloud, tmp_path: Path) -> None:
    inputs = image_inputs(tmp_path / "c.raw", b"c" * 5000, "half")
    body = {
        "name": inputs["name"],
        "disk_format": "raw",
        "container_format": "bare",
        "tags": TAGS,
        "govcloud_sha256": inputs["sha256"],
    }
    left = service(provider, "image").post("/images", body)
    provider.list("govcloud:image:Image", [left["id"]])
    made = provider.create("govcloud:image:Image", inputs)
    assert made.id == left["id"]
    row = service(provider, "image").get(f"/images/{made.id}")
    assert (row["status"], row["size"]) == ("active", 5000)
    assert row["os_hash_value"] == hashlib.sha512(b"c" * 5000).hexdigest()
    provider.delete("govcloud:image:Image", made, inputs)


def test_volume_type(provider: GovCloud) -> None:
    live(
        provider,
        "govcloud:volume:VolumeType",
        {
            "name": f"vt-{RUN}",
            "site": f"t{RUN}",
            "description": "a",
            "public": True,
            "extra_specs": {"a:b": "c", "d": "e"},
        },
        changes={"description": "b", "extra_specs": {"d": "f"}},
        tamper=set_outside(
            "block-storage",
            "/types/{}/extra_specs",
            {"extra_specs": {"z": "1"}},
            verb="POST",
            says="extra_specs",
        ),
    )


def test_a_project_in_use_is_not_deleted(provider: GovCloud, domain: Made) -> None:
    inputs: dict[str, Json] = {"name": f"used-{RUN}", "domain_id": domain.id, "tags": TAGS}
    made = provider.create("govcloud:identity:Project", inputs)
    wire_inputs = network_inputs(made, "n")
    wire = provider.create("govcloud:network:Network", wire_inputs)
    network = service(provider, "network")
    port = network.post("/ports", {"port": {"network_id": wire.id, "project_id": made.id}})["port"]
    with pytest.raises(CloudError, match=f"project used-{RUN} still holds 1 ports"):
        provider.delete("govcloud:identity:Project", made, inputs)
    assert provider.list("govcloud:identity:Project", [made.id])
    network.delete(f"/ports/{port['id']}")
    provider.delete("govcloud:network:Network", wire, wire_inputs)
    provider.delete("govcloud:identity:Project", made, inputs)
    assert provider.list("govcloud:identity:Project", [made.id]) == {}


def test_a_domain_of_that_name_that_is_not_ours_is_refused(provider: GovCloud) -> None:
    identity = service(provider, "identity")
    theirs = identity.post("/domains", {"domain": {"name": f"their-{RUN}"}})["domain"]
    inputs: dict[str, Json] = {"name": f"their-{RUN}", "description": "ours", "tags": TAGS}
    with pytest.raises(CloudError, match="not tagged as this site's"):
        provider.create("govcloud:identity:Domain", inputs)
    identity.patch(f"/domains/{theirs['id']}", {"domain": {"enabled": False}})
    identity.delete(f"/domains/{theirs['id']}")


def test_a_refusal_speaks_the_services_words(provider: GovCloud) -> None:
    inputs: dict[str, Json] = {"name": f"x-{RUN}", "domain_id": "no-such", "tags": TAGS}
    with pytest.raises(CloudError) as refused:
        provider.create("govcloud:identity:Project", inputs)
    text = refused.value.message
    assert "identity POST /projects" in text
    assert "no-such" in text
    assert "req-" in text


def bmc_addresses(lab: RunningLab) -> list[str]:
    return sorted(json.loads(lab.settings.endpoints.read_text())["bmc"])


def server_inputs(number: int, bmc_address: str) -> dict[str, Json]:
    mac = f"52:54:01:{RUN[:2]}:{RUN[2:4]}:{number:02x}"
    return {
        "name": f"srv-{RUN}-{number}",
        "site": f"t{RUN}",
        "stack": "hardware/city",
        "region": "city",
        "rack": "r01",
        "unit": 7,
        "serial": f"SN{RUN}{number}",
        "role": "compute",
        "profile": "compute-2u",
        "resource_class": "baremetal.compute-2u",
        "traits": ["CUSTOM_GPU", "HW_CPU_X86_VMX"],
        "bmc_address": bmc_address,
        "bmc_user": "admin",
        "bmc_password": "secret://bmc/city",
        "cpu_threads": 64,
        "memory_gib": 256,
        "disk_gib": 480,
        "architecture": "x86_64",
        # Not what the BMC reports: inspection adds a port and takes `pxe` away, and is overruled.
        "nics": {mac: "leaf-a/12 pxe", f"{mac[:-2]}{number + 128:02x}": "leaf-b/12"},
        "available": True,
    }


SERVER = "govcloud:baremetal:Server"


@pytest.mark.timeout(400)
def test_server_is_enrolled_inspected_and_available(provider: GovCloud, lab: RunningLab) -> None:
    def take_down(provider: GovCloud, made: Made) -> str:
        service(provider, "baremetal").put(
            f"/nodes/{made.id}/states/provision", {"target": "manage"}
        )
        return "available"

    nics = server_inputs(1, "")["nics"]
    assert isinstance(nics, dict)
    live(
        provider,
        SERVER,
        server_inputs(1, bmc_addresses(lab)[0]),
        changes={
            "rack": "r02",
            "traits": ["CUSTOM_GPU"],
            "resource_class": "baremetal.other",
            "nics": dict.fromkeys(list(nics)[:1], "leaf-c/1 pxe"),
        },
        tamper=take_down,
    )


@pytest.mark.timeout(400)
def test_a_server_with_a_silent_bmc_is_kept_and_finished_later(
    provider: GovCloud, lab: RunningLab
) -> None:
    right = server_inputs(2, bmc_addresses(lab)[1])
    wrong = {**right, "bmc_address": "127.0.0.1:9"}
    with pytest.raises(PartlyMadeError) as failed:
        provider.create(SERVER, wrong)
    made = failed.value.made
    assert "enroll" in failed.value.reasons[0]
    assert seen(provider, SERVER, made)["available"] is False
    provider.update(SERVER, made, old=wrong, new=right)
    assert_reads_back(provider, SERVER, made, right)
    provider.delete(SERVER, made, right)
    assert provider.list(SERVER, [made.id]) == {}


def test_no_password_of_a_bmc_is_read_back(provider: GovCloud, lab: RunningLab) -> None:
    inputs = {**server_inputs(3, bmc_addresses(lab)[2]), "available": False}
    made = provider.create(SERVER, inputs)
    text = json.dumps([dict(made.outputs), seen(provider, SERVER, made)])
    assert "******" not in text
    assert "bmc_password" not in text
    provider.delete(SERVER, made, inputs)
