"""What primaries keep of their logs for repositories that did not take it: it fills their disks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from orchestrator.errors import BackupError
from orchestrator.model.backup import Subject
from orchestrator.model.continuous import Backlog
from orchestrator.model.site import Site
from orchestrator.planning.continuous import continuous
from orchestrator.workflows.backup_continuous import ContinuousPorts, primary

ASKED_AT_A_TIME = 8
"""A question is a line long, and its answer, too."""


def backlogs(
    site: Site, subjects: Sequence[Subject], ports: ContinuousPorts
) -> dict[str, Backlog | str]:
    """Ask each primary what waits there, by subject; one that cannot be asked says why instead."""
    wanted = continuous(subjects)

    def ask(subject: Subject) -> Backlog | str:
        try:
            server = primary(site, subject, ports)
            return ports.engine.archiving.backlog(subject, server)
        except BackupError as error:
            return error.message

    with ThreadPoolExecutor(max_workers=ASKED_AT_A_TIME) as pool:
        told = pool.map(ask, wanted)
        return dict(zip((one.name for one in wanted), told, strict=True))
