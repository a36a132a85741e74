"""What a deployment decides: which image, what each server needs, and who is next."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from orchestrator.model.deploy import DeployAct, DeployStep, NodeFacts
from orchestrator.model.host import HostIdentity
from orchestrator.model.site import Site
from orchestrator.model.verdict import Verdict
from orchestrator.planning.deploy import (
    Known,
    Rollout,
    compare_identity,
    declared_image,
    differing,
    plan_deploy,
)
from orchestrator.planning.host_config import host_config
from orchestrator.spec.load import load_site
from tests.fakes.hosts_site import IMAGE, SHA

BASE = Path(__file__).parents[1] / "cases" / "_base"
TOLD = HostIdentity(
    hostname="cmp-01", os_id="debian", os_version="12", image="debian-12", sha256=SHA
)


@pytest.fixture(scope="module")
def site() -> Site:
    site = load_site(BASE).site
    servers = tuple(
        replace(server, address=ip_address(f"10.9.0.{111 + number}"))
        for number, server in enumerate(site.hardware.servers)
    )
    return replace(site, hardware=replace(site.hardware, servers=servers))


def node(state: str, *, image: str = "", maintenance: bool = False) -> NodeFacts:
    return NodeFacts(id="1", name="cmp-01", state=state, image=image, maintenance=maintenance)


def act(site: Site, fact: NodeFacts | None, *, told: HostIdentity | None = None, **more: object):
    known = Known(
        nodes={} if fact is None else {"cmp-01": fact},
        images=(IMAGE,),
        identities={} if told is None else {"cmp-01": told},
    )
    (step,) = plan_deploy(site, site.hardware.servers[:1], known, **more).steps  # type: ignore[arg-type] # options
    return step


def test_the_image_is_the_one_with_the_system_of_the_roles_baseline(site: Site) -> None:
    server = site.hardware.servers[0]
    assert declared_image(site, server, None) is site.system.images[0]
    assert declared_image(site, server, "debian-12") is site.system.images[0]


def test_no_image_is_guessed_where_none_or_several_fit(site: Site) -> None:
    server = site.hardware.servers[0]
    twin = replace(site.system.images[0], name="debian-12-new")
    two = replace(site, system=replace(site.system, images=(*site.system.images, twin)))
    said = declared_image(two, server, None)
    assert isinstance(said, str) and "debian-12, debian-12-new" in said and "--image" in said
    bare = replace(site, system=replace(site.system, host_baselines=()))
    assert "no baseline for role compute" in str(declared_image(bare, server, None))
    assert declared_image(site, server, "nixos") == "the site has no image nixos"


@pytest.mark.parametrize(
    ("fact", "wanted"),
    [
        (node("available"), DeployAct.DEPLOY),
        (node("deploy failed", image=IMAGE.id), DeployAct.DEPLOY),
        (node("active", image="glance-0"), DeployAct.REBUILD),
        (node("error", image=IMAGE.id), DeployAct.REBUILD),
        (node("deploying", image=IMAGE.id), DeployAct.FINISH),
        (node("deploying", image="glance-0"), DeployAct.REFUSED),
        (node("manageable"), DeployAct.REFUSED),
        (node("available", maintenance=True), DeployAct.REFUSED),
        (None, DeployAct.REFUSED),
    ],
)
def test_what_a_server_needs_follows_from_its_state(site, fact, wanted) -> None:
    step = act(site, fact)
    assert step.act is wanted
    assert bool(step.reason) is (wanted is DeployAct.REFUSED)


def test_a_server_with_its_image_is_never_written_unasked(site: Site) -> None:
    active = node("active", image=IMAGE.id)
    assert act(site, active, told=TOLD).act is DeployAct.NONE
    assert act(site, active).act is DeployAct.CONFIRM
    for other in (replace(TOLD, image="", sha256=""), replace(TOLD, hostname="cmp-02")):
        assert act(site, active, told=other).act is DeployAct.CONFIRM
    assert act(site, active, told=TOLD, again=True).act is DeployAct.REBUILD


def test_a_server_with_the_declared_content_under_an_id_that_glance_lost_is_not_written(
    site: Site,
) -> None:
    lost = node("active", image="glance-0")
    step = act(site, lost, told=TOLD)
    assert step.act is DeployAct.NONE and step.before == "debian-12"
    for other in (replace(TOLD, sha256="0" * 64), replace(TOLD, image="debian-11")):
        assert act(site, lost, told=other).act is DeployAct.REBUILD
    assert act(site, lost, told=TOLD, again=True).act is DeployAct.REBUILD


def test_a_run_that_was_killed_before_the_disk_was_written_is_gone_on_with(site: Site) -> None:
    still = replace(TOLD, image="debian-11", sha256="0" * 64)
    step = act(site, node("active", image=IMAGE.id), told=still)
    assert step.act is DeployAct.REBUILD and step.reason == "its host still has debian-11"


def test_a_server_that_nova_gave_to_a_tenant_is_refused(site: Site) -> None:
    step = act(site, replace(node("active", image="other"), instance="vm-7"))
    assert step.act is DeployAct.REFUSED and "vm-7" in step.reason


def test_a_server_whose_host_nobody_could_ask_is_refused(site: Site) -> None:
    server = replace(site.hardware.servers[0], address=None)
    known = Known(nodes={"cmp-01": node("available")}, images=(IMAGE,), identities={})
    (step,) = plan_deploy(site, [server], known).steps
    assert step.act is DeployAct.REFUSED and "address" in step.reason


def test_an_image_in_glance_with_other_content_is_refused(site: Site) -> None:
    known = Known(
        nodes={"cmp-01": node("available")},
        images=(replace(IMAGE, sha256="0" * 64),),
        identities={},
    )
    (step,) = plan_deploy(site, site.hardware.servers[:1], known).steps
    assert step.act is DeployAct.REFUSED and "not the declared content" in step.reason


def test_of_two_images_with_one_name_the_declared_content_is_taken(site: Site) -> None:
    other = replace(IMAGE, id="glance-0", sha256="0" * 64)
    known = Known(nodes={"cmp-01": node("available")}, images=(other, IMAGE, other), identities={})
    (step,) = plan_deploy(site, site.hardware.servers[:1], known).steps
    assert step.act is DeployAct.DEPLOY and step.stored == IMAGE


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (TOLD, []),
        (replace(TOLD, hostname="cmp-02"), ["hostname"]),
        (replace(TOLD, image="", sha256=""), ["image", "image sha256"]),
        (replace(TOLD, os_id="openEuler", os_version="22.03"), ["os", "os version"]),
        (replace(TOLD, os_version=""), ["os version"]),
    ],
)
def test_a_host_that_is_somebody_else_is_named_by_the_fact(site, told, wrong) -> None:
    facts = compare_identity(site.hardware.servers[0], site.system.images[0], told)
    assert [one.fact for one in differing(facts)] == wrong


def test_a_release_that_the_host_tells_in_short_fits(site: Site) -> None:
    image = replace(site.system.images[0], os_distro="openeuler", os_version="22.03-LTS-SP4")
    told = replace(TOLD, os_id="openEuler", os_version="22.03")
    verdicts = {
        one.fact: one.verdict for one in compare_identity(site.hardware.servers[0], image, told)
    }
    assert verdicts["os"] is Verdict.PASS and verdicts["os version"] is Verdict.PASS


def rollout(count: int, *, parallel: int, budget: int) -> Rollout:
    steps = deque(
        DeployStep(server=f"s{n}", act=DeployAct.DEPLOY, before="", image="i") for n in range(count)
    )
    return Rollout(waiting=steps, parallel=parallel, budget=budget)


def names(steps: list[DeployStep]) -> list[str]:
    return [step.server for step in steps]


def test_as_many_are_started_as_may_run_and_the_next_when_one_ends() -> None:
    rolling = rollout(4, parallel=2, budget=1)
    assert names(rolling.next_steps()) == ["s0", "s1"]
    assert names(rolling.next_steps()) == []
    rolling.ended("s1", failed=False)
    assert names(rolling.next_steps()) == ["s2"]


def test_nothing_new_is_started_when_the_budget_is_spent() -> None:
    rolling = rollout(6, parallel=2, budget=2)
    rolling.next_steps()
    rolling.ended("s0", failed=True)
    assert names(rolling.next_steps()) == ["s2"]
    rolling.ended("s1", failed=True)
    assert rolling.is_spent and names(rolling.next_steps()) == []
    rolling.ended("s2", failed=False)
    assert names(rolling.next_steps()) == []


def test_nothing_new_is_started_when_somebody_stops_it() -> None:
    rolling = rollout(3, parallel=1, budget=1)
    rolling.next_steps()
    rolling.stopped = True
    rolling.ended("s0", failed=False)
    assert rolling.next_steps() == []


def test_the_drive_brings_name_key_address_and_the_record_of_the_image(site: Site) -> None:
    server = site.hardware.servers[0]
    drive = host_config(site, server, site.system.images[0], public_key="ssh-ed25519 AAAA")
    assert drive["meta_data"]["hostname"] == "cmp-01"  # type: ignore[index,call-overload] # JSON
    text = str(drive["user_data"])
    assert text.startswith("#cloud-config\n")
    assert "ssh-ed25519 AAAA" in text and SHA in text
    network = drive["network_data"]
    assert network["networks"][0] | {"routes": 0} == {  # type: ignore[index,call-overload] # JSON
        "id": "host",
        "type": "ipv4",
        "link": "eth0",
        "ip_address": "10.9.0.111",
        "netmask": "255.255.255.0",
        "routes": 0,
    }
