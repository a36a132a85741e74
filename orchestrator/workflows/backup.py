"""Backups: prepare the repositories, copy what is due into them, list, prove and thin out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from threading import Event

from orchestrator.errors import BackupError
from orchestrator.model.backup import Listing, Subject, SubjectKind
from orchestrator.model.playbook import CataloguedPlaybook, PlaybookResult
from orchestrator.model.site import Site
from orchestrator.model.units import Json, Secret
from orchestrator.planning.backup import subjects_of
from orchestrator.planning.backup_leave import narrowed, preparation
from orchestrator.ports.backup import Store
from orchestrator.ports.playbooks import PlaybookWatch
from orchestrator.workflows.archive_keys import archive_secrets
from orchestrator.workflows.backup_runs import (
    Recorded,
    Works,
    ask_repositories,
    run_name,
    run_recorded,
    servers_of,
)
from orchestrator.workflows.backup_settings import read_settings
from orchestrator.workflows.backup_steps import Act, BackupPorts, Step, Told, ended
from orchestrator.workflows.labour import GRACE_SECONDS
from orchestrator.workflows.playbook import PlaybookPorts, PlaybookWork, carry_out

PREPARE = "backup/prepare-repositories"
KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """How a preparation ended."""

    playbook: PlaybookResult
    made: Mapping[str, tuple[str, ...]]
    """The subjects whose folder was made, by repository."""
    failed: Mapping[str, BackupError] = field(default_factory=dict)
    """By repository."""
    new_keys: tuple[str, ...] = ()
    """References of encryption keys that were made: they belong into a safe, too."""


def stores_of(site: Site) -> dict[str, Store]:
    """Return the repositories of a checked site with their servers."""
    known = {server.name: server for server in site.hardware.servers}
    return {
        one.name: Store(repository=one, server=known[one.server])
        for one in site.system.backup_repositories
        if one.server in known
    }


def prepare(
    site: Site,
    entry: CataloguedPlaybook,
    ports: BackupPorts,
    *,
    only: Sequence[Subject] = (),
    playbooks: PlaybookPorts,
    watch: PlaybookWatch,
) -> Prepared:
    """Let hosts write to the repositories, and make a folder for each subject in them.

    Where there are `only` some subjects, other hosts and their leave stay as they are.

    Raises:
        SiteLockedError: somebody else is working on the site.
    """
    subjects = subjects_of(site)
    wanted = narrowed(preparation(site, subjects, readers={}), site, only)
    new_keys = _make_keys(site, ports)
    work = PlaybookWork(
        entry=entry,
        servers=wanted.servers,
        rehearse=False,
        variables=wanted.variables,
        secrets=archive_secrets(site, subjects, ports.secrets),
    )
    result = carry_out(site, work, playbooks, watch=watch)
    made: dict[str, tuple[str, ...]] = {}
    failed: dict[str, BackupError] = {}
    for name, store in ports.engine.stores.items():
        names = [one.name for one in only or subjects if name in one.repositories]
        try:
            made[name] = ports.engine.archive.prepare(names, store=store)
        except BackupError as error:
            failed[name] = error
    facts: dict[str, Json] = {"made": {name: list(each) for name, each in made.items()}}
    ports.audit.append(act="backup-prepared", facts=facts)
    return Prepared(playbook=result, made=made, failed=failed, new_keys=new_keys)


def _make_keys(site: Site, ports: BackupPorts) -> tuple[str, ...]:
    """Make the encryption keys that are not there; one that is there is never replaced."""
    known = ports.secrets.names()
    missing = sorted({one.key for one in site.system.backup_repositories} - known)
    if missing:
        ports.secrets.put({ref: Secret(secrets.token_urlsafe(KEY_BYTES)) for ref in missing})
    return tuple(missing)


def listed(
    subjects: Sequence[Subject], ports: BackupPorts, *, only: Sequence[str] = ()
) -> dict[str, Listing | str]:
    """Ask each repository what it holds; one that cannot be asked says why instead."""

    def ask(store: Store, mine: Sequence[Subject]) -> Listing:
        return ports.engine.archive.copies([one.name for one in mine], store=store)

    return ask_repositories(subjects, ports.engine.stores, ask, only=only)


def run(
    site: Site,
    wanted: Mapping[str, Sequence[str]],
    ports: BackupPorts,
    *,
    told: Told,
    grace: float = GRACE_SECONDS,
) -> tuple[Step, ...]:
    """Copy subjects into repositories (by subject); one that fails stops no other.

    Interrupted, it waits `grace` seconds for the copies under way, no longer: they end by
    themselves, on their hosts. The audit log has what ended and what did not in any case.

    Raises:
        SiteLockedError: another run of backups is at work.
    """
    subjects = {one.name: one for one in subjects_of(site) if one.name in wanted}
    meant = {name: wanted[name] for name in subjects}

    def works(hear: Told, stopped: Event) -> Works:
        def copying(subject: Subject) -> Callable[[], None]:
            names = _until(stopped, meant[subject.name])
            return lambda: _back_up(site, subject, ports, repositories=names, told=hear)

        return [copying(one) for one in subjects.values()]

    recorded = Recorded(act="backup", why="back up")
    return run_recorded(meant, works, ports, recorded=recorded, told=told, grace=grace)


def _until(stopped: Event, names: Sequence[str]) -> Iterator[str]:
    """Return names one by one, and none once somebody stopped the run."""
    for name in names:
        if stopped.is_set():
            return
        yield name


def _back_up(
    site: Site, subject: Subject, ports: BackupPorts, *, repositories: Iterable[str], told: Told
) -> None:
    """Copy one subject into its repositories, one after the other."""
    name = run_name(ports.clock.now())
    copying = ports.engine.copying
    settings = cache(partial(_settings, site, subject, ports))
    for repository in repositories:
        empty = Step(act=Act.BACK_UP, subject=subject.name, repository=repository)

        def act(store: Store, empty: Step = empty) -> Step:
            at = ports.clock.now()
            if subject.kind is SubjectKind.SITE:
                note = settings()
                copy = copying.back_up_site(subject, store=store, run=name, at=at)
                copy = replace(copy, note=note)
            elif subject.of_cloud:
                cloud = ports.engine.of_cloud()
                copy = cloud.back_up(subject, store=store, run=name, at=at)
            else:
                server = copying.source(subject, servers_of(site, subject))
                copy = copying.back_up(subject, server, store=store, run=name, at=at)
            return replace(empty, copy=copy)

        ended(empty, act, ports, told=told)


def _settings(site: Site, subject: Subject, ports: BackupPorts) -> str:
    """Read devices and BMCs anew where a subject wants it; return what stays unknown of them."""
    if not subject.settings or ports.settings is None:
        return ""
    return read_settings(site, ports.settings).note
