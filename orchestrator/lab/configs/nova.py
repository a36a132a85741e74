"""Compute, with FakeDriver's hosts."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Sections
from orchestrator.lab.configs.shared import LIST_LIMIT, SILENT, Lab
from orchestrator.lab.settings import REGION

FILE = "nova.conf"
FOLDERS = ("instances",)


def sections(lab: Lab) -> Sections:
    """Return Nova's configuration."""
    return {
        "DEFAULT": {
            **lab.default("nova"),
            "compute_driver": "lab.LabDriver",
            "enabled_apis": "osapi_compute",
            "report_interval": 10,
            "service_down_time": 30,
            # No agent ever says that a port is plugged.
            "vif_plugging_timeout": 10,
            "vif_plugging_is_fatal": False,
            "allow_resize_to_same_host": True,
            "resize_confirm_window": 0,
        },
        "api": {"auth_strategy": "keystone", "max_limit": LIST_LIMIT},
        "wsgi": {"api_paste_config": lab.shipped("nova/api-paste.ini")},
        "api_database": lab.database("nova_api"),
        "database": lab.database("nova_cell1"),
        "compute": {"live_migration_wait_for_vif_plug": False},
        "scheduler": {"discover_hosts_in_cells_interval": 5},
        "conductor": {"workers": 1},
        "glance": {"api_servers": lab.record.url("glance")},
        "neutron": lab.login("neutron"),
        "placement": lab.login("placement"),
        "cinder": {**lab.login("nova"), "os_region_name": REGION},
        "service_user": {**lab.login("nova"), "send_service_user_token": True},
        "keystone_authtoken": lab.token_check("nova"),
        "vnc": {"enabled": False},
        "oslo_concurrency": lab.locks,
        "oslo_messaging_notifications": SILENT,
    }
