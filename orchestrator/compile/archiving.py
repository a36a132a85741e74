"""PostgreSQL's settings for a continuous archive, and where a host keeps what it archives with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrator.model.backup import BackupMethod, BackupPolicy
from orchestrator.model.declared_service import DeclaredService

PLACE: Final = "/etc/site-archive"


def archive_settings(declared: DeclaredService, policies: Sequence[BackupPolicy]) -> dict[str, str]:
    """Return the settings by which a service's log is archived; none without such a policy.

    Until `backup prepare` was run the command fails, and PostgreSQL keeps what was not archived.
    """
    policy = next((one for one in policies if one.name == declared.backup), None)
    if policy is None or policy.method is not BackupMethod.CONTINUOUS:
        return {}
    stanza = declared.cluster
    return {
        "archive_command": f"pgbackrest --config={PLACE}/{stanza}.conf --stanza={stanza} "
        'archive-push "%p"',
        "archive_timeout": f"{policy.archive_seconds}s",
    }
