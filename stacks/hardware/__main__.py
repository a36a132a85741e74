"""The servers of one region: each in Ironic, and what is declared of them kept on their BMCs."""

from orchestrator.model.physical_slices import HardwareSlice, ServerSlice, SettingsSlice
from orchestrator.resources.baremetal import Server, ServerArgs
from orchestrator.resources.hardware import Settings, SettingsArgs
from orchestrator.resources.slice import read_slice


def declare(region: HardwareSlice, server: ServerSlice) -> None:
    """Declare one server."""
    Server(
        f"server/{server.name}",
        ServerArgs(
            name=server.name,
            site=region.site,
            stack=f"hardware/{region.region}",
            region=server.region,
            rack=server.rack,
            unit=server.unit,
            serial=server.serial,
            role=server.role,
            profile=server.profile,
            resource_class=server.resource_class,
            traits=server.traits,
            bmc_address=server.bmc_address,
            bmc_user=server.bmc_user,
            bmc_password=server.bmc_password,
            cpu_threads=server.cpu_threads,
            memory_gib=server.memory_gib,
            disk_gib=server.disk_gib,
            architecture=server.architecture,
            nics={
                port.mac: f"{port.switch}/{port.switch_port}{' pxe' if port.pxe else ''}"
                for port in server.ports
            },
        ),
    )


def declare_settings(kept: SettingsSlice) -> None:
    """Declare what is kept on one BMC."""
    Settings(
        f"server/{kept.server}#settings",
        SettingsArgs(
            server=kept.server,
            bmc_address=kept.bmc_address,
            bmc_user=kept.bmc_user,
            bmc_password=kept.bmc_password,
            asset_tag=kept.asset_tag,
            bios=kept.bios or None,
            boot_order=kept.boot_order or None,
        ),
    )


here = read_slice(HardwareSlice)
for each in here.servers:
    declare(here, each)
for each_kept in here.settings:
    declare_settings(each_kept)
