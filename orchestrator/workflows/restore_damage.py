"""Where a restore failed and nothing says what is to blame: find the file or repository, say it."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault, Verified

DAMAGE = frozenset({BackupFault.BROKEN, BackupFault.FAILED, BackupFault.MISMATCH})
"""Faults that a damaged repository may be behind."""


def naming_blame(
    error: BackupError, read: Callable[[], Verified], *, repository: str, server: str
) -> BackupError:
    """Return the fault of a restore with the files that are to blame, where reading finds some.

    Where somebody fell silent, with what was being read.
    """
    if error.fault is BackupFault.SILENT:
        return _naming_repository(error, repository=repository, server=server)
    if error.fault not in DAMAGE or error.broken:
        return error
    try:
        found = read()
    except BackupError as another:
        return BackupError(
            f"{error.message}; and reading {repository}: {another.message}",
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


def _naming_repository(error: BackupError, *, repository: str, server: str) -> BackupError:
    return BackupError(
        f"{error.message}; it was reading {repository} on {server}",
        fault=error.fault,
        broken=error.broken,
        remedy=error.remedy
        or f"Run it again when {server} is reached, or take another repository: --from.",
    )
