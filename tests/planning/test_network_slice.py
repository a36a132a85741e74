"""The network layer's stacks: one per region that has a device with a login."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestrator.model.plan import Scope
from orchestrator.model.site import Layer, Site
from orchestrator.planning.jobs import recorded_only, stack_names
from orchestrator.planning.network_slice import network_slice, reachable_devices
from orchestrator.spec.load import load_site

TODAY = date(2026, 11, 22)


def city() -> Site:
    site = load_site(Path(__file__).parents[2] / "inventory" / "yangzhou").site
    assert site is not None
    return site


def test_every_region_with_a_reachable_device_has_one_stack() -> None:
    site = city()
    regions = {site.region_of_rack(device.rack) for device in reachable_devices(site)}
    stacks = stack_names(site, Scope(layers=frozenset({Layer.NETWORK})))
    assert regions
    assert {stack.name for stack in stacks} == regions


def test_a_slice_holds_texts_and_references_and_no_secret() -> None:
    site = city()
    found = [
        device
        for region in site.regions
        for device in network_slice(site, region.name, today=TODAY).devices
    ]
    assert {device.name for device in found} == {device.name for device in reachable_devices(site)}
    assert all(device.text for device in found)
    for device in found:
        assert set(device.login) <= {"user", "password", "key"}
        assert all(
            value.startswith("secret://") for key, value in device.login.items() if key != "user"
        )


def test_devices_without_a_login_are_counted() -> None:
    site = city()
    silent = len(site.network.devices) - len(reachable_devices(site))
    assert recorded_only(site, Scope()) == {Layer.NETWORK: silent}


def test_a_command_about_one_tenant_says_nothing_of_devices() -> None:
    assert recorded_only(city(), Scope(tenants=frozenset({"gongxin"}))) == {}
