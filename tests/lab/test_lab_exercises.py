"""What the product needs from an OpenStack, tried on the lab: its contract."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from openstack import exceptions
from openstack.connection import Connection

from orchestrator.lab.contents import DEFAULT_CONTENTS
from tests.lab.running import RunningLab, wait_for

pytestmark = pytest.mark.lab

IMAGE = os.urandom(3 << 20)


@dataclass(frozen=True, kw_only=True)
class Tenant:
    domain_id: str
    project_id: str
    user_id: str
    cloud: Connection


def has_status(wanted: str) -> Callable[[object], bool]:
    return lambda thing: thing.status == wanted


def role(lab: RunningLab, name: str) -> object:
    return next(iter(lab.admin.identity.roles(name=name)))


@pytest.fixture(scope="module")
def tenant(lab: RunningLab) -> Tenant:
    identity = lab.admin.identity
    domain = identity.create_domain(name="ex-domain")
    project = identity.create_project(name="ex-project", domain_id=domain.id)
    user = identity.create_user(
        name="ex-user", password="pw", domain_id=domain.id, default_project_id=project.id
    )
    identity.assign_project_role_to_user(project, user, role(lab, "member"))
    cloud = lab.connect(
        username="ex-user",
        password="pw",
        project_name="ex-project",
        user_domain_name="ex-domain",
        project_domain_name="ex-domain",
    )
    return Tenant(domain_id=domain.id, project_id=project.id, user_id=user.id, cloud=cloud)


@pytest.fixture(scope="module")
def outside(lab: RunningLab):
    network = lab.admin.network.create_network(
        name="ex-outside",
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="physnet-outside",
    )
    lab.admin.network.create_subnet(
        network_id=network.id, cidr="203.0.113.0/24", ip_version=4, enable_dhcp=False
    )
    return network


@pytest.fixture(scope="module")
def network(tenant: Tenant):
    made = tenant.cloud.network.create_network(name="ex-net")
    tenant.cloud.network.create_subnet(network_id=made.id, cidr="10.9.0.0/24", ip_version=4)
    return made


@pytest.fixture(scope="module")
def image(lab: RunningLab):
    return lab.admin.create_image(
        "ex-image",
        data=IMAGE,
        disk_format="raw",
        container_format="bare",
        visibility="public",
        wait=True,
    )


@pytest.fixture(scope="module")
def flavor(lab: RunningLab):
    return lab.admin.compute.create_flavor(name="ex-flavor", ram=512, vcpus=1, disk=1)


@pytest.fixture(scope="module")
def server(lab: RunningLab, tenant: Tenant, network, image, flavor):
    compute = tenant.cloud.compute
    made = compute.create_server(
        name="ex-server", flavor_id=flavor.id, image_id=image.id, networks=[{"uuid": network.id}]
    )
    return wait_for(lambda: lab.admin.compute.get_server(made.id), has_status("ACTIVE"))


@pytest.fixture(scope="module")
def volume(tenant: Tenant):
    storage = tenant.cloud.block_storage
    made = storage.create_volume(name="ex-volume", size=1)
    return wait_for(partial(storage.get_volume, made.id), has_status("available"))


@pytest.fixture(scope="module")
def node(lab: RunningLab) -> Iterator[object]:
    bmc = DEFAULT_CONTENTS.bmcs[0]
    metal = lab.admin.baremetal
    made = metal.create_node(
        name="ex-node",
        driver="redfish",
        deploy_interface="ramdisk",
        driver_info={
            "redfish_address": lab.record.url("bmc"),
            "redfish_system_id": f"/redfish/v1/Systems/{bmc.system_id}",
            "redfish_username": bmc.user,
            "redfish_password": bmc.password.reveal(),
        },
    )
    metal.create_port(node_id=made.id, address=bmc.macs[0])
    assert made.provision_state == "enroll"
    metal.set_node_provision_state(made, "manage")
    wait_for(
        partial(metal.get_node, made.id),
        lambda found: found.provision_state == "manageable" or found.last_error,
    )
    return metal.get_node(made.id)


def test_a_group_and_a_user_get_roles_in_a_project(lab: RunningLab, tenant: Tenant) -> None:
    identity = lab.admin.identity
    group = identity.create_group(name="ex-group", domain_id=tenant.domain_id)
    identity.add_user_to_group(tenant.user_id, group)
    identity.assign_project_role_to_group(tenant.project_id, group, role(lab, "reader"))
    assert len(list(identity.role_assignments(scope_project_id=tenant.project_id))) == 2


def test_an_application_credential_logs_in_to_its_project(lab: RunningLab, tenant: Tenant) -> None:
    made = tenant.cloud.identity.create_application_credential(
        tenant.user_id, "ex-credential", roles=[{"name": "member"}]
    )
    nothing = dict.fromkeys(
        ("username", "password", "project_name", "user_domain_name", "project_domain_name")
    )
    cloud = lab.connect(
        application_credential_id=made.id,
        application_credential_secret=made.secret,
        **nothing,
    )
    assert cloud.current_project_id == tenant.project_id


def test_quotas_of_compute_volume_and_network_are_kept(lab: RunningLab, tenant: Tenant) -> None:
    project = tenant.project_id
    lab.admin.compute.update_quota_set(project, cores=33, instances=9, ram=65536)
    lab.admin.block_storage.update_quota_set(project, volumes=7, gigabytes=70)
    lab.admin.network.update_quota(project, networks=5, ports=55, routers=3)
    assert lab.admin.compute.get_quota_set(project).cores == 33
    assert lab.admin.block_storage.get_quota_set(project).volumes == 7
    assert lab.admin.network.get_quota(project).ports == 55


def test_a_router_leads_outside(tenant: Tenant, outside, network) -> None:
    client = tenant.cloud.network
    router = client.create_router(
        name="ex-router", external_gateway_info={"network_id": outside.id}
    )
    subnet = next(iter(client.subnets(network_id=network.id)))
    client.add_interface_to_router(router, subnet=subnet.id)
    [address] = router.external_gateway_info["external_fixed_ips"]
    assert address["ip_address"].startswith("203.0.113.")


def test_a_vlan_provider_network_takes_the_sites_vlan(lab: RunningLab) -> None:
    made = lab.admin.network.create_network(
        name="ex-vlan",
        provider_network_type="vlan",
        provider_physical_network="physnet1",
        provider_segmentation_id=1234,
    )
    assert made.provider_segmentation_id == 1234


def test_security_groups_have_default_rules_and_refuse_duplicates(tenant: Tenant) -> None:
    client = tenant.cloud.network
    group = client.create_security_group(name="ex-group")
    rule = {
        "security_group_id": group.id,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 22,
        "remote_ip_prefix": "0.0.0.0/0",
        "ethertype": "IPv4",
    }
    client.create_security_group_rule(**rule)
    default = next(one for one in client.security_groups() if one.name == "default")
    assert len(client.get_security_group(group.id).security_group_rules) == 3
    assert len(default.security_group_rules) == 4
    with pytest.raises(exceptions.ConflictException):
        client.create_security_group_rule(**rule)


def test_qos_trunk_and_floating_ip(lab: RunningLab, tenant: Tenant, outside, network) -> None:
    policy = lab.admin.network.create_qos_policy(name="ex-qos")
    lab.admin.network.create_qos_bandwidth_limit_rule(policy, max_kbps=1000)
    address = tenant.cloud.network.create_ip(floating_network_id=outside.id)
    parent = tenant.cloud.network.create_port(network_id=network.id, name="ex-parent")
    trunk = tenant.cloud.network.create_trunk(port_id=parent.id, name="ex-trunk")
    assert address.floating_ip_address.startswith("203.0.113.")
    assert trunk.port_id == parent.id


def test_an_image_comes_back_as_it_was(lab: RunningLab, image) -> None:
    found = lab.admin.image.get_image(image.id)
    assert found.status == "active"
    assert found.hash_value == hashlib.sha512(IMAGE).hexdigest()
    assert lab.admin.image.download_image(found).content == IMAGE


def test_a_flavor_keeps_its_extra_specs(lab: RunningLab, flavor) -> None:
    lab.admin.compute.create_flavor_extra_specs(flavor, {"hw:cpu_policy": "shared"})
    found = lab.admin.compute.get_flavor(flavor.id, get_extra_specs=True)
    assert found.extra_specs == {"hw:cpu_policy": "shared"}


def test_a_server_is_active_with_a_bound_port(lab: RunningLab, server) -> None:
    [port] = lab.admin.network.ports(device_id=server.id)
    assert (port.status, port.binding_vif_type) == ("ACTIVE", "ovs")


def test_volumes_snapshots_and_their_growth(tenant: Tenant, volume) -> None:
    storage = tenant.cloud.block_storage
    snapshot = storage.create_snapshot(volume_id=volume.id, name="ex-snapshot")
    wait_for(partial(storage.get_snapshot, snapshot.id), has_status("available"))
    storage.extend_volume(volume, 2)
    grown = wait_for(partial(storage.get_volume, volume.id), has_status("available"))
    assert grown.size == 2


def test_a_volume_is_made_from_an_image(tenant: Tenant, image) -> None:
    storage = tenant.cloud.block_storage
    made = storage.create_volume(name="ex-from-image", size=1, image_id=image.id)
    found = wait_for(partial(storage.get_volume, made.id), has_status("available"))
    assert found.is_bootable


def test_a_backup_is_restored_into_a_new_volume(tenant: Tenant, volume) -> None:
    storage = tenant.cloud.block_storage
    backup = storage.create_backup(volume_id=volume.id, name="ex-backup", container="c")
    wait_for(partial(storage.get_backup, backup.id), has_status("available"))
    storage.restore_backup(backup, name="ex-restored")
    wait_for(partial(storage.get_backup, backup.id), has_status("available"))
    restored = next(one for one in storage.volumes() if one.name == "ex-restored")
    assert wait_for(partial(storage.get_volume, restored.id), has_status("available"))


def test_a_volume_is_attached(tenant: Tenant, server, volume) -> None:
    tenant.cloud.compute.create_volume_attachment(server.id, volume=volume.id)
    storage = tenant.cloud.block_storage
    found = wait_for(partial(storage.get_volume, volume.id), has_status("in-use"))
    assert found.attachments[0]["server_id"] == server.id


def test_a_server_boots_from_a_volume(lab: RunningLab, tenant: Tenant, network, image, flavor):
    disk = {
        "boot_index": 0,
        "uuid": image.id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    made = tenant.cloud.compute.create_server(
        name="ex-from-volume",
        flavor_id=flavor.id,
        networks=[{"uuid": network.id}],
        block_device_mapping=[disk],
    )
    found = wait_for(lambda: lab.admin.compute.get_server(made.id), has_status("ACTIVE"))
    assert len(found.attached_volumes) == 1


def test_an_availability_zone_is_an_aggregate_of_hosts(lab: RunningLab, tenant, image, flavor):
    compute = lab.admin.compute
    used = {one.compute_host for one in compute.servers(all_projects=True)}
    host = next(one for one in DEFAULT_CONTENTS.computes if one not in used)
    aggregate = compute.create_aggregate(name="ex-aggregate", availability_zone="ex-zone")
    compute.add_host_to_aggregate(aggregate, host)
    compute.set_aggregate_metadata(aggregate, rack="r1")
    made = tenant.cloud.compute.create_server(
        name="ex-zoned",
        flavor_id=flavor.id,
        image_id=image.id,
        networks="none",
        availability_zone="ex-zone",
    )
    found = wait_for(lambda: compute.get_server(made.id), has_status("ACTIVE"))
    assert found.compute_host == host
    compute.delete_server(made)
    compute.wait_for_delete(made)
    compute.remove_host_from_aggregate(aggregate, host)
    compute.delete_aggregate(aggregate)


def test_a_live_migration_moves_server_and_port(lab: RunningLab, server) -> None:
    compute = lab.admin.compute
    before = compute.get_server(server.id).compute_host
    compute.live_migrate_server(server, block_migration="auto")
    moved = wait_for(
        partial(compute.get_server, server.id),
        lambda one: one.compute_host != before and one.status == "ACTIVE",
    )
    [port] = lab.admin.network.ports(device_id=server.id)
    assert port.binding_host_id == moved.compute_host


def test_a_server_is_resized_stopped_and_started(lab: RunningLab, tenant: Tenant, server) -> None:
    bigger = lab.admin.compute.create_flavor(name="ex-bigger", ram=1024, vcpus=2, disk=1)
    compute = tenant.cloud.compute
    look = partial(compute.get_server, server.id)
    compute.resize_server(server, bigger.id)
    wait_for(look, has_status("VERIFY_RESIZE"))
    compute.confirm_server_resize(server)
    wait_for(look, has_status("ACTIVE"))
    compute.stop_server(server)
    wait_for(look, has_status("SHUTOFF"))
    compute.start_server(server)
    assert wait_for(look, has_status("ACTIVE")).flavor.name == "ex-bigger"


def test_a_dead_hosts_server_is_evacuated(lab: RunningLab, server) -> None:
    compute = lab.admin.compute
    host = compute.get_server(server.id).compute_host
    service = next(one for one in compute.services(binary="nova-compute") if one.host == host)
    compute.disable_service(service.id, disabled_reason="maintenance")
    assert _power(lab, host, "down") == "ok"
    compute.update_service_forced_down(service.id, forced=True)
    compute.evacuate_server(server.id)
    wait_for(
        partial(compute.get_server, server.id),
        lambda one: one.compute_host != host and not one.task_state,
    )
    # Nova lets a host back only when its service has started again since.
    assert _power(lab, host, "up") == "ok"
    compute.update_service_forced_down(service.id, forced=False)
    compute.enable_service(service.id)
    wait_for(
        lambda: next(one for one in compute.services(binary="nova-compute") if one.host == host),
        lambda one: one.state == "up",
    )


def _power(lab: RunningLab, host: str, state: str) -> str:
    url = f"{lab.record.url('nova')}/_lab/{host}/{state}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30) as answer:
        return answer.read().decode()


def test_too_big_a_server_finds_no_host(lab: RunningLab, image) -> None:
    compute = lab.admin.compute
    compute.update_quota_set(lab.admin.current_project_id, ram=-1)
    huge = compute.create_flavor(name="ex-huge", ram=10**8, vcpus=1, disk=1)
    made = compute.create_server(
        name="ex-huge", flavor_id=huge.id, image_id=image.id, networks="none"
    )
    with pytest.raises(AssertionError, match="No valid host"):
        wait_for(lambda: compute.get_server(made.id), has_status("ACTIVE"))
    compute.delete_server(made)


def test_placement_and_nova_know_every_compute_host(lab: RunningLab) -> None:
    providers = {one.name for one in lab.admin.placement.resource_providers()}
    hypervisors = {one.name: one.state for one in lab.admin.compute.hypervisors(details=True)}
    assert providers == set(hypervisors) == set(DEFAULT_CONTENTS.computes)
    assert set(hypervisors.values()) == {"up"}


def test_a_server_is_enrolled_through_its_bmc(node) -> None:
    assert (node.provision_state, node.power_state) == ("manageable", "power off")


def test_a_bmc_switches_power_and_boot_device(lab: RunningLab, node) -> None:
    metal = lab.admin.baremetal
    look = partial(metal.get_node, node.id)
    metal.set_node_power_state(node, "power on")
    wait_for(look, lambda one: one.power_state == "power on")
    metal.set_node_boot_device(node, "pxe")
    assert metal.get_node_boot_device(node)["boot_device"] == "pxe"
    metal.set_node_power_state(node, "power off")
    wait_for(look, lambda one: one.power_state == "power off")


def test_inspection_finds_what_the_site_declares(lab: RunningLab, node) -> None:
    bmc = DEFAULT_CONTENTS.bmcs[0]
    metal = lab.admin.baremetal
    metal.set_node_provision_state(node, "inspect")
    found = wait_for(
        partial(metal.get_node, node.id), lambda one: one.provision_state == "manageable"
    )
    assert found.properties["memory_mb"] == bmc.memory_gib * 1024
    assert found.properties["local_gb"] == bmc.disk_gib - 1
    assert found.properties["cpu_arch"] == "x86_64"


def test_a_server_is_provided_deployed_and_freed(lab: RunningLab, node) -> None:
    metal = lab.admin.baremetal
    look = partial(metal.get_node, node.id)
    metal.set_node_provision_state(node, "provide")
    wait_for(look, lambda one: one.provision_state == "available")
    iso = f"{lab.record.url('bmc')}/_files/boot.iso"
    metal.update_node(node, instance_info={"boot_iso": iso})
    metal.set_node_provision_state(node, "active")
    wait_for(look, lambda one: one.provision_state == "active")
    metal.set_node_provision_state(node, "deleted")
    wait_for(look, lambda one: one.provision_state == "available")


def test_deleted_servers_free_their_volumes_and_ports(
    lab: RunningLab, tenant: Tenant, server, volume
) -> None:
    compute = tenant.cloud.compute
    for one in list(compute.servers()):
        compute.delete_server(one)
        compute.wait_for_delete(one)
    storage = tenant.cloud.block_storage
    wait_for(partial(storage.get_volume, volume.id), has_status("available"))
    assert not list(lab.admin.network.ports(device_id=server.id))
