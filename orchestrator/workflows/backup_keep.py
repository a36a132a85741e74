"""Keeping copies: read them again, see that nobody can delete them, and let old ones go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.errors import BackupError
from orchestrator.model.backup import PARTS, BackupFault, Copy, Subject
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.backup_keep import Pruning, parts_due
from orchestrator.ports.backup import Store
from orchestrator.workflows.backup_runs import servers_of
from orchestrator.workflows.backup_steps import (
    Act,
    BackupPorts,
    Result,
    Step,
    Told,
    counted,
    ended,
    proved,
)


def verify(
    site: Site, subjects: Sequence[Subject], ports: BackupPorts, *, whole: bool, told: Told
) -> tuple[Step, ...]:
    """Read repositories again, and try to delete in them as the servers that write there.

    All of each (`whole`), or the parts that were not read for longest. What is found is in the
    steps.
    """
    steps: list[Step] = []
    now = ports.clock.now()
    for subject in subjects:
        for repository in subject.repositories:
            empty = Step(act=Act.VERIFY, subject=subject.name, repository=repository)

            def read(store: Store, empty: Step = empty, subject: Subject = subject) -> Step:
                parts = range(PARTS) if whole else _due(subject, store, ports, now=now)
                return _read(empty, store, ports, parts=parts)

            steps.append(ended(empty, read, ports, told=told))
            refused = replace(empty, act=Act.DELETE)

            def refuse(store: Store, empty: Step = refused, subject: Subject = subject) -> Step:
                return _try_to_delete(empty, store, ports, writers=servers_of(site, subject))

            steps.append(ended(refused, refuse, ports, told=told))
    ports.audit.append(act="backup-verified", facts=counted(steps))
    return tuple(steps)


def _due(subject: Subject, store: Store, ports: BackupPorts, *, now: datetime) -> Sequence[int]:
    listing = ports.engine.archive.copies([subject.name], store=store)
    return parts_due(listing.read.get(subject.name, ()), policy=subject.policy, now=now)


def _read(empty: Step, store: Store, ports: BackupPorts, *, parts: Sequence[int]) -> Step:
    found = ports.engine.archive.verify(empty.subject, store=store, parts=parts)
    return proved(empty, found, otherwise="files are not what they were")


def _try_to_delete(
    empty: Step, store: Store, ports: BackupPorts, *, writers: Sequence[Server]
) -> Step:
    """Expect a refusal; what is tried to be deleted is written for that, and is no copy."""
    if not store.repository.append_only:
        return replace(empty, result=Result.SKIPPED, reason="the repository is not append-only")
    if not writers:
        return replace(empty, result=Result.SKIPPED, reason="no host writes to it over SSH")
    for server in writers:
        try:
            deleted = ports.engine.copying.may_delete(empty.subject, store=store, server=server)
        except BackupError as error:
            # Another host of the same service has the same leave.
            if error.fault is not BackupFault.SILENT or server is writers[-1]:
                raise
        else:
            break
    if deleted:
        raise BackupError(
            f"{server.name} could delete what it wrote for {empty.subject} (a trial file; no copy "
            "was touched)",
            fault=BackupFault.REFUSED,
            remedy="The server does not keep its copies: run orchestrator backup prepare.",
        )
    return empty


def prune(wanted: Pruning, ports: BackupPorts, *, told: Told) -> tuple[Step, ...]:
    """Delete the copies that may go, and tell of what was kept although nobody knows of it.

    Raises:
        SiteLockedError: a run of backups is at work.
    """
    with ports.work_lock.hold(why="prune backups"):
        ports.audit.append(act="backup-prune-begin", facts=_pruned_facts(wanted.gone))
        steps = [*_kept(wanted, told)]
        for (subject, name), copies in wanted.gone.items():
            empty = Step(act=Act.PRUNE, subject=subject, repository=name)

            def act(store: Store, empty: Step = empty, copies: Sequence[Copy] = copies) -> Step:
                freed = ports.engine.archive.prune(copies, store=store, now=wanted.now)
                return replace(empty, freed_bytes=freed, deleted=len(copies))

            steps.append(ended(empty, act, ports, told=told))
        ports.audit.append(act="backup-prune-end", facts=counted(steps))
    return tuple(steps)


def _pruned_facts(gone: Mapping[tuple[str, str], Sequence[Copy]]) -> dict[str, Json]:
    copies: dict[str, Json] = {
        f"{subject} in {name}": [copy.run for copy in each]
        for (subject, name), each in gone.items()
    }
    return {"copies": copies}


def _kept(wanted: Pruning, told: Told) -> list[Step]:
    """Return a failed step for each repository that nothing was deleted in, and say why."""
    steps = [
        Step(
            act=Act.PRUNE,
            subject=subject,
            repository=name,
            result=Result.FAILED,
            fault=BackupFault.REFUSED,
            reason=f"all of it is kept: {why}",
            remedy="See orchestrator backup list.",
        )
        for (subject, name), why in wanted.kept.items()
    ]
    for step in steps:
        told(step)
    return steps
