"""Identity."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Sections
from orchestrator.lab.configs.shared import SILENT, Lab

FILE = "keystone.conf"
FOLDERS = ("fernet", "credential")


def sections(lab: Lab) -> Sections:
    """Return Keystone's configuration."""
    keys = lab.data("keystone")
    return {
        "DEFAULT": lab.logging("keystone"),
        "database": lab.database("keystone"),
        "fernet_tokens": {"key_repository": keys / "fernet"},
        # Without it Keystone writes to /etc/keystone.
        "fernet_receipts": {"key_repository": keys / "fernet"},
        "credential": {"key_repository": keys / "credential"},
        "token": {"provider": "fernet", "expiration": 43_200},
        # The least that is allowed: the lab's users are not worth the CPU.
        "identity": {"password_hash_rounds": 4},
        "cache": {"enabled": True, "backend": "oslo_cache.dict"},
        "oslo_messaging_notifications": SILENT,
    }
