"""What runs of backups share: their names, whom they ask, and a record of their end in any case."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import TypeVar

from orchestrator.errors import BackupError
from orchestrator.model.backup import Subject
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.ports.backup import Store
from orchestrator.workflows.backup_steps import BackupPorts, Step, Told, counted, unended
from orchestrator.workflows.labour import GRACE_SECONDS, do_all

AT_A_TIME = 2
"""Subjects or repositories at once: more would only share the same lines and disks."""
Found = TypeVar("Found")
Works = Sequence[Callable[[], None]]


def run_name(now: datetime) -> str:
    """Return the name of a run that begins now."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def servers_of(site: Site, subject: Subject) -> tuple[Server, ...]:
    """Return the servers that have a subject."""
    known = {server.name: server for server in site.hardware.servers}
    return tuple(known[name] for name in subject.hosts if name in known)


def ask_repositories(
    subjects: Sequence[Subject],
    stores: Mapping[str, Store],
    ask: Callable[[Store, Sequence[Subject]], Found],
    *,
    only: Sequence[str] = (),
) -> dict[str, Found | str]:
    """Ask each repository for the subjects that it keeps; one that cannot be asked says why."""

    def told(name: str) -> Found | str:
        store = stores.get(name)
        if store is None:
            return "it is not declared"
        try:
            return ask(store, [one for one in subjects if name in one.repositories])
        except BackupError as error:
            return error.message

    names = sorted({name for one in subjects for name in one.repositories})
    chosen = [name for name in names if not only or name in only]
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        return dict(zip(chosen, pool.map(told, chosen), strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What a run is called in the audit log (`ACT-begin`, `ACT-end`), and in its lock."""

    act: str
    why: str


def run_recorded(
    wanted: Mapping[str, Sequence[str]],
    works: Callable[[Told, Event], Works],
    ports: BackupPorts,
    *,
    recorded: Recorded,
    told: Told,
    grace: float = GRACE_SECONDS,
) -> tuple[Step, ...]:
    """Do a run's works, by subject; the audit log has what ended and what did not in any case.

    `works` makes them once the run has begun; they tell of their steps, and begin nothing further
    once the event is set. Interrupted, this waits `grace` seconds for what is under way, no longer.

    Raises:
        SiteLockedError: another run of backups is at work.
    """
    facts: dict[str, Json] = {"subjects": {name: list(each) for name, each in wanted.items()}}
    stopped, steps = Event(), list[Step]()

    def hear(step: Step) -> None:
        steps.append(step)
        told(step)

    with ports.work_lock.hold(why=recorded.why):
        ports.audit.append(act=f"{recorded.act}-begin", facts=facts)
        try:
            do_all(works(hear, stopped), at_once=AT_A_TIME, stop=stopped.set, grace=grace)
        finally:
            ended_now = tuple(steps)
            left = unended(wanted, ended_now)
            ports.audit.append(act=f"{recorded.act}-end", facts={**counted(ended_now), **left})
    order = {name: number for number, name in enumerate(wanted)}
    return tuple(sorted(ended_now, key=lambda step: order[step.subject]))
