"""Where a restore failed and nothing says which file is to blame: read on, and say it."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault, Verified


def naming_files(
    error: BackupError, read: Callable[[], Verified], *, what: str, repository: str
) -> BackupError:
    """Return the fault of a restore with the files that are to blame, where reading finds some.

    `what` was restored from: the repository, or an archive in it.
    """
    if error.broken:
        return error
    try:
        found = read()
    except BackupError as another:
        return BackupError(
            f"{error.message}; and reading the {what}: {another.message}",
            fault=error.fault,
            broken=another.broken,
            remedy=error.remedy,
        )
    if found.sound:
        return error
    named = ", ".join(found.broken) or found.complaint
    return BackupError(
        f"{error.message}; broken in {repository}: {named}",
        fault=BackupFault.BROKEN,
        broken=found.broken,
        remedy="Restore from another repository: --from.",
    )
