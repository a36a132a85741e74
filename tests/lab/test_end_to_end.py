"""From YAML to a provisioned cloud, and what an operator meets on the way.

The tests of this module build on each other's cloud in the order in which they stand.
"""

import json
import subprocess
from collections import Counter

import pytest

from tests.lab.town import Town

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def town(tmp_path_factory, town_lab):
    town = Town(tmp_path_factory.mktemp("towns") / "elm", town_lab, prefix="elm", number=1)
    town.bring_up_lab()
    return town


def by_name(things, name):
    (thing,) = [thing for thing in things if thing.name == name]
    return thing


def test_the_first_apply_provisions_everything_and_a_second_plan_is_empty(town):
    applied = town.run("apply", "--yes")
    assert applied.returncode == 0, applied.stderr + applied.stdout
    assert "compiled only" in applied.stdout

    planned = town.run("plan", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout
    assert "0 to add, 0 to change" in planned.stdout


def test_every_declared_server_is_available_in_ironic_with_its_facts(town):
    nodes = [node for node in town.lab.admin.baremetal.nodes(details=True) if "elm-" in node.name]
    assert Counter(node.provision_state for node in nodes) == {"available": 5}
    node = by_name(nodes, "elm-cmp-02")
    assert node.resource_class == "baremetal.compute-2u"
    assert node.traits == ["CUSTOM_COMPUTE"]
    assert node.extra["rack"] == "r1"
    assert node.driver_info["redfish_password"] == "******"


def test_the_standard_client_sees_every_department(town):
    client = town.lab.settings.venv / "bin" / "openstack"
    listed = subprocess.run(
        [client, "domain", "list", "-f", "json"],
        env=town.environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert {domain["Name"] for domain in json.loads(listed.stdout)} >= set(town.tenants)


def test_quota_and_rules_arrive_where_the_cloud_enforces_them(town):
    cloud = town.lab.admin
    domain = by_name(cloud.identity.domains(), "elm-industry")
    project = by_name(cloud.identity.projects(domain_id=domain.id), "enterprise")
    assert cloud.compute.get_quota_set(project.id).cores == 40
    assert cloud.compute.get_quota_set(project.id).ram == 128 * 1024
    assert cloud.block_storage.get_quota_set(project.id).gigabytes == 2000
    # The project's only group is the one that machines get which ask for none.
    (group,) = cloud.network.security_groups(project_id=project.id)
    assert group.name == "default"
    rules = list(cloud.network.security_group_rules(security_group_id=group.id))
    anywhere = {"0.0.0.0/0", "::/0", None}
    assert not [r for r in rules if r.remote_ip_prefix in anywhere and not r.remote_group_id]
    exchange = [rule for rule in rules if rule.port_range_min == 8443]
    assert [(rule.direction, rule.remote_ip_prefix) for rule in exchange] == [
        ("egress", "10.3.0.0/16")
    ]


def test_one_changed_quota_is_exactly_one_update(town):
    def raise_cores(layer):
        layer["tenants"][1]["projects"][0]["quota"]["cores"] = 44

    town.edit("tenancy.yaml", raise_cores)

    planned = town.plan()

    changes = [change for step in planned["steps"] for change in step["changes"]]
    assert [change["action"] for change in changes] == ["update"]
    assert [
        (attribute["path"], attribute["old"], attribute["new"])
        for attribute in changes[0]["attributes"]
    ] == [("cores", 40, 44)]
    assert town.run("apply", "--yes").returncode == 0
    assert town.changes() == []


def test_a_network_deleted_by_other_hands_is_reported_and_restored(town):
    cloud = town.lab.admin
    domain = by_name(cloud.identity.domains(), "elm-education")
    project = by_name(cloud.identity.projects(domain_id=domain.id), "schools")
    (network,) = cloud.network.networks(project_id=project.id)
    for router in cloud.network.routers(project_id=project.id):
        for port in cloud.network.ports(device_id=router.id, network_id=network.id):
            cloud.network.remove_interface_from_router(router, port=port)
    cloud.network.delete_network(network)

    seen = town.run("drift", "--detailed-exitcode")
    assert seen.returncode == 2
    assert "project/elm-education/schools#network" in seen.stdout

    restored = town.run("apply", "--yes")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert [n.name for n in cloud.network.networks(project_id=project.id)] == [network.name]
    assert town.run("drift", "--detailed-exitcode").returncode == 0
    assert town.changes() == []


def test_a_quota_changed_by_other_hands_is_put_back(town):
    cloud = town.lab.admin
    domain = by_name(cloud.identity.domains(), "elm-culture")
    project = by_name(cloud.identity.projects(domain_id=domain.id), "tourism")
    cloud.compute.update_quota_set(project.id, cores=999)

    assert "999" in town.run("drift").stdout
    assert town.run("apply", "--yes").returncode == 0
    assert cloud.compute.get_quota_set(project.id).cores == 40


def test_a_project_deleted_behind_our_back_is_made_again_with_all_that_hung_on_it(town):
    cloud = town.lab.admin
    before = town.inventory()
    domain = by_name(cloud.identity.domains(), "elm-culture")
    project = by_name(cloud.identity.projects(domain_id=domain.id), "tourism")
    cloud.identity.delete_project(project)

    assert "project/elm-culture/tourism" in town.run("drift").stdout
    applied = town.run("apply", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert town.inventory() == before
    assert town.changes() == []


def test_a_project_taken_out_of_yaml_is_kept_until_removed_lists_it(town):
    def take_out(layer):
        layer["tenants"][2]["projects"].clear()

    def leave(site):
        site["removed"].append(
            {
                "thing": "project/elm-culture/tourism",
                "reason": "merged into another system",
                "approved_by": "information-centre",
            }
        )

    before = town.inventory()
    town.edit("tenancy.yaml", take_out)
    assert town.run("apply", "--yes").returncode == 0
    assert town.inventory() == before
    assert ("keep-orphan", "project/elm-culture/tourism") in town.changes()

    town.edit("site.yaml", leave)
    applied = town.run("apply", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "elm-culture/tourism" not in town.inventory()["projects"]
    assert town.changes() == []


def test_destroy_wants_the_name_typed_and_leaves_nothing(town):
    assert town.run("destroy", "--yes").returncode == 64
    refused = town.run("destroy", "--confirm", "elmo")
    assert refused.returncode == 5, refused.stderr
    assert town.inventory()["domains"] != []

    gone = town.run("destroy", "--confirm", "elm")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert set(map(tuple, town.inventory().values())) == {()}
