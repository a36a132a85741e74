"""Bare metal, over Redfish."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Options, Sections
from orchestrator.lab.configs.shared import LIST_LIMIT, SILENT, Lab

FILE = "ironic.conf"
FOLDERS = ("tmp", "http", "tftp", "images")

POWER_SYNC_SECONDS = 600
"""Every sync asks every BMC; each answer costs CPU."""

WORKERS = 400
"""Threads that work on servers, made as they are needed: a city's servers, all at once."""

CALLED_SERVICES = ("service_catalog", "neutron", "glance", "cinder", "nova", "swift")

INTERFACES: Options = {
    "enabled_hardware_types": "redfish,fake-hardware",
    "enabled_boot_interfaces": "redfish-virtual-media,fake",
    "enabled_deploy_interfaces": "lab,ramdisk,direct,fake,noop",
    "enabled_management_interfaces": "redfish,fake",
    "enabled_power_interfaces": "redfish,fake",
    "enabled_inspect_interfaces": "redfish,no-inspect,fake",
    "enabled_network_interfaces": "noop,neutron,flat",
    "enabled_bios_interfaces": "redfish,no-bios,fake",
    "enabled_raid_interfaces": "redfish,no-raid,fake,agent",
    "enabled_vendor_interfaces": "redfish,no-vendor,fake",
    "enabled_firmware_interfaces": "redfish,no-firmware,fake",
    "default_network_interface": "noop",
    "default_boot_interface": "redfish-virtual-media",
    "default_inspect_interface": "redfish",
    # A node that wants the others names them: reading BIOS and firmware of every server when it
    # is first managed costs a third of the enrolment.
    "default_bios_interface": "no-bios",
    "default_firmware_interface": "no-firmware",
    "default_raid_interface": "no-raid",
    "default_vendor_interface": "no-vendor",
}


def sections(lab: Lab) -> Sections:
    """Return Ironic's configuration."""
    store = lab.data("ironic")
    return {
        "DEFAULT": {
            **lab.logging("ironic"),
            **INTERFACES,
            "host": "lab",
            "my_ip": "127.0.0.1",
            "rpc_transport": "none",
            "auth_strategy": "keystone",
            "state_path": store,
            "tempdir": store / "tmp",
        },
        "database": lab.database("ironic"),
        "api": {
            "host_ip": "127.0.0.1",
            "port": lab.record.ports["ironic"],
            "max_limit": LIST_LIMIT,
        },
        "conductor": {
            "automated_clean": False,
            "workers_pool_size": WORKERS,
            "sync_power_state_interval": POWER_SYNC_SECONDS,
            # A host that was killed, or switched off by hand, stays off until somebody acts.
            "force_power_state_during_sync": False,
            "deploy_kernel": f"file://{store / 'http/kernel'}",
            "deploy_ramdisk": f"file://{store / 'http/ramdisk'}",
            "send_sensor_data": False,
            "allow_provisioning_in_maintenance": True,
        },
        "deploy": {
            # Without it Ironic writes to /var/lib/ironic.
            "iso_master_path": store / "iso",
            "http_root": store / "http",
            "http_url": f"{lab.record.url('bmc')}/_files",
            "fast_track": False,
        },
        # `auto` would ask every BMC for the session service that the emulator does not have.
        "redfish": {"connection_attempts": 2, "auth_type": "basic"},
        # The ports are as the site declares them: inspection neither adds to them nor changes them.
        "inspector": {
            "update_pxe_enabled": False,
            "pre_create_ports": False,
            "add_ports": "disabled",
        },
        "oslo_policy": {
            "policy_file": store / "policy.yaml",
            "policy_dirs": store / "policy.d",
        },
        "pxe": {
            "tftp_root": store / "tftp",
            "images_path": store / "images",
            "tftp_master_path": store / "tftp-master",
            "instance_master_path": store / "instance-master",
        },
        "keystone_authtoken": lab.token_check("ironic"),
        **{name: lab.login("ironic") for name in CALLED_SERVICES},
        "oslo_concurrency": lab.locks,
        "oslo_messaging_notifications": SILENT,
    }
