"""Images, as files."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Sections
from orchestrator.lab.configs.shared import LIST_LIMIT, SILENT, Lab

FILE = "glance-api.conf"
FOLDERS = ("images", "tasks", "staging")


def sections(lab: Lab) -> Sections:
    """Return Glance's configuration."""
    store = lab.data("glance")
    return {
        "DEFAULT": {
            **lab.logging("glance"),
            "enabled_backends": "fs:file",
            "enabled_import_methods": "[glance-direct,web-download,copy-image]",
            "node_staging_uri": f"file://{store / 'staging'}",
            "worker_self_reference_url": lab.record.url("glance"),
            "limit_param_default": 1000,
            "api_limit_max": LIST_LIMIT,
        },
        "database": lab.database("glance"),
        "glance_store": {"default_backend": "fs"},
        "fs": {"filesystem_store_datadir": store / "images"},
        "os_glance_tasks_store": {"filesystem_store_datadir": store / "tasks"},
        "os_glance_staging_store": {"filesystem_store_datadir": store / "staging"},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": lab.shipped("glance/glance-api-paste.ini"),
        },
        "keystone_authtoken": lab.token_check("glance"),
        "oslo_concurrency": lab.locks,
        "oslo_messaging_notifications": SILENT,
    }
