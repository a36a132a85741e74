"""Inventories and allocations of compute resources."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Sections
from orchestrator.lab.configs.shared import Lab

FILE = "placement.conf"
FOLDERS = ()


def sections(lab: Lab) -> Sections:
    """Return Placement's configuration."""
    return {
        "DEFAULT": lab.logging("placement"),
        "placement_database": lab.database("placement"),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": lab.token_check("placement"),
    }
