"""The network devices of one region that this tool configures."""

from orchestrator.model.physical_slices import NetworkSlice
from orchestrator.resources.network_device import Device, DeviceArgs
from orchestrator.resources.slice import read_slice

for device in read_slice(NetworkSlice).devices:
    Device(
        f"device/{device.name}",
        DeviceArgs(
            name=device.name,
            platform=device.platform,
            model=device.model,
            address=device.address,
            login=device.login,
            text=device.text,
        ),
    )
