"""Cut the network devices that this tool configures out of the site, with what each shall run."""

from __future__ import annotations

from datetime import date

from orchestrator.compile.targets import DeviceConfig, device_config
from orchestrator.model.network import Device, DeviceLogin
from orchestrator.model.physical_slices import NetworkDeviceSlice, NetworkSlice
from orchestrator.model.site import Site


def network_slice(site: Site, region: str, *, today: date) -> NetworkSlice:
    """Return the devices of one region. Flows that expired before `today` are in no text."""
    devices = (
        _device(config)
        for device in site.network.devices
        if site.region_of_rack(device.rack) == region
        and (config := device_config(site, device, today=today))
    )
    return NetworkSlice(
        site=site.name,
        region=region,
        devices=tuple(sorted(devices, key=lambda device: device.name)),
    )


def reachable_devices(site: Site) -> tuple[Device, ...]:
    """Return the devices with a login, of all regions, in the order of the site."""
    return tuple(device for device in site.network.devices if device.login is not None)


def written_device_login(login: DeviceLogin) -> dict[str, str]:
    """Return a login as plain data, with references in the place of secrets."""
    secrets = {"password": login.password, "key": login.key}
    return {"user": login.user} | {
        name: str(reference) for name, reference in secrets.items() if reference is not None
    }


def _device(config: DeviceConfig) -> NetworkDeviceSlice:
    device = config.device
    assert device.login is not None  # noqa: S101 - device_config gives no other
    return NetworkDeviceSlice(
        name=device.name,
        platform=config.platform.value,
        model=device.model,
        address=str(device.address),
        login=written_device_login(device.login),
        text=config.text,
    )
