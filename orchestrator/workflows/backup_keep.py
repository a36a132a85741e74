"""Keeping copies: read them again, see that nobody can delete them, and let old ones go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault, Copy, Subject
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.backup import part_of_day, to_prune
from orchestrator.ports.backup import Store
from orchestrator.workflows.backup import Act, BackupPorts, Result, Step, Told, counted, ended


def verify(
    site: Site, subjects: Sequence[Subject], ports: BackupPorts, *, whole: bool, told: Told
) -> tuple[Step, ...]:
    """Read repositories again, and try to delete a copy as the server that made it.

    All of each (`whole`), or the part that is the day's turn. What is found is in the steps.
    """
    steps: list[Step] = []
    now = ports.clock.now()
    known = {server.name: server for server in site.hardware.servers}
    for subject in subjects:
        part = (0, 1) if whole else part_of_day(subject.policy, now=now)
        for repository in subject.repositories:
            empty = Step(act=Act.VERIFY, subject=subject.name, repository=repository)

            def read(store: Store, empty: Step = empty, part: tuple[int, int] = part) -> Step:
                found = ports.engine.archive.verify(empty.subject, store=store, part=part)
                wrong = "" if found.sound else found.complaint or "files are not what they were"
                return replace(
                    empty,
                    verified=found,
                    result=Result.DONE if found.sound else Result.FAILED,
                    fault=None if found.sound else BackupFault.BROKEN,
                    reason=wrong,
                    broken=found.broken,
                )

            steps.append(ended(empty, read, ports, told=told))
            refused = replace(empty, act=Act.DELETE)

            def refuse(store: Store, empty: Step = refused) -> Step:
                return _try_to_delete(empty, store, ports, servers=known)

            steps.append(ended(refused, refuse, ports, told=told))
    ports.audit.append(act="backup-verified", facts=counted(steps))
    return tuple(steps)


def _try_to_delete(
    empty: Step, store: Store, ports: BackupPorts, *, servers: Mapping[str, Server]
) -> Step:
    """Expect a refusal; the copy that is tried is the oldest, which is missed least."""
    if not store.repository.append_only:
        return replace(empty, result=Result.SKIPPED, reason="the repository is not append-only")
    copies = ports.engine.archive.copies([empty.subject], store=store)
    tried = [copy for copy in copies if copy.whole and copy.host in servers]
    if not tried:
        return replace(empty, result=Result.SKIPPED, reason="no host wrote a copy yet")
    server = servers[tried[0].host]
    if ports.engine.copying.may_delete(tried[0], store=store, server=server):
        raise BackupError(
            f"{server.name} deleted the copy {tried[0].run} of {empty.subject}",
            fault=BackupFault.REFUSED,
            remedy="The server does not keep its copies: run orchestrator backup prepare.",
        )
    return empty


def prune(
    wanted: Mapping[tuple[str, str], Sequence[Copy]], ports: BackupPorts, *, told: Told
) -> tuple[Step, ...]:
    """Delete copies, by subject and repository; which they are, `prunable` says.

    Raises:
        SiteLockedError: a run of backups is at work.
    """
    steps: list[Step] = []
    facts: dict[str, Json] = {
        "copies": {
            f"{subject} in {name}": [copy.run for copy in copies]
            for (subject, name), copies in wanted.items()
        }
    }
    with ports.work_lock.hold(why="prune backups"):
        ports.audit.append(act="backup-prune-begin", facts=facts)
        for (subject, name), copies in wanted.items():
            empty = Step(act=Act.PRUNE, subject=subject, repository=name)

            def act(store: Store, empty: Step = empty, copies: Sequence[Copy] = copies) -> Step:
                freed = ports.engine.archive.prune(copies, store=store)
                return replace(empty, freed_bytes=freed, deleted=len(copies))

            steps.append(ended(empty, act, ports, told=told))
        ports.audit.append(act="backup-prune-end", facts=counted(steps))
    return tuple(steps)


def prunable(
    subjects: Sequence[Subject], copies: Mapping[str, Sequence[Copy] | str], *, now: datetime
) -> dict[tuple[str, str], tuple[Copy, ...]]:
    """Return what policies let go, by subject and repository; nothing of what is not known."""
    found: dict[tuple[str, str], tuple[Copy, ...]] = {}
    for subject in subjects:
        for name in subject.repositories:
            known = copies.get(name, "")
            if isinstance(known, str):
                continue
            mine = [copy for copy in known if copy.subject == subject.name]
            gone = to_prune(subject, mine, now=now)
            if gone:
                found[subject.name, name] = gone
    return found
