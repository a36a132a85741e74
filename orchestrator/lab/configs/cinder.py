"""Volumes, as sparse files."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Sections
from orchestrator.lab.configs.shared import LIST_LIMIT, SILENT, Lab

FILE = "cinder.conf"
FOLDERS = ("volumes", "backup", "coordination")
DEFAULT_TYPE = "lab"


def sections(lab: Lab) -> Sections:
    """Return Cinder's configuration."""
    store = lab.data("cinder")
    return {
        "DEFAULT": {
            **lab.default("cinder"),
            "enabled_backends": "lab1",
            "auth_strategy": "keystone",
            "api_paste_config": lab.shipped("cinder/api-paste.ini"),
            "resource_query_filters_file": lab.shipped("cinder/resource_filters.json"),
            # Cinder waits this long for the volume service's first report, up to 60 s by default.
            "scheduler_driver_init_wait_time": 2,
            "default_volume_type": DEFAULT_TYPE,
            "rootwrap_config": "",
            "report_interval": 10,
            "service_down_time": 60,
            "osapi_max_limit": LIST_LIMIT,
            "glance_api_servers": lab.record.url("glance"),
            "backup_driver": "cinder.backup.drivers.posix.PosixBackupDriver",
            "backup_posix_path": store / "backup",
            "backup_file_size": 64 << 20,
            "backup_sha_block_size_bytes": 1 << 20,
            "backup_workers": 1,
        },
        "database": lab.database("cinder"),
        "lab1": {
            "volume_driver": "labcloud.cinder_driver.LabVolumeDriver",
            "volume_backend_name": "lab",
            "lab_volume_dir": store / "volumes",
        },
        "keystone_authtoken": lab.token_check("cinder"),
        "nova": lab.login("nova"),
        "service_user": {**lab.login("cinder"), "send_service_user_token": True},
        "coordination": {"backend_url": f"file://{store / 'coordination'}"},
        "oslo_concurrency": lab.locks,
        "oslo_messaging_notifications": SILENT,
    }
