"""Restores: which copy goes where, and what is lost there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.errors import RefusedError
from orchestrator.model.backup import (
    Copy,
    Holding,
    Manifest,
    Place,
    Subject,
    SubjectKind,
)
from orchestrator.model.hardware import Server
from orchestrator.planning.backup import not_of_the_future
from orchestrator.planning.backup_cloud import name_of_restored, steps_of_cloud
from orchestrator.planning.backup_databases import (
    instance_elsewhere,
    steps_of_databases,
    where_is,
)
from orchestrator.planning.elsewhere import ELSEWHERE, PORT_DISTANCE
from orchestrator.planning.restore_compare import Comparison as Comparison
from orchestrator.planning.restore_compare import Outcome as Outcome
from orchestrator.planning.restore_compare import compare as compare
from orchestrator.planning.restore_compare import outcome_of as outcome_of
from orchestrator.ports.backup import Store

FOLDER = "/var/lib/orchestrator-restore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where somebody wants a subject to be brought; all empty: to its own place."""

    host: str = ""
    name: str = ""
    """Of the cluster, beside the service's own one."""
    port: int | None = None
    """Of that cluster; None: the service's, so much higher."""
    folder: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RestorePlan:
    """One copy, where it goes, and what is there now."""

    subject: Subject
    copy: Copy
    manifest: Manifest
    store: Store
    place: Place
    server: Server | None
    """None: this machine."""
    holding: Holding | None = None
    """None: nothing is known of it."""

    @property
    def overwrites(self) -> bool:
        """Say whether data is lost at the place, as far as anybody knows."""
        return self.holding is not None and (self.holding.rows > 0 or self.holding.silent)

    @property
    def lost(self) -> str:
        """Return what is lost at the place, as a sentence's object."""
        if self.holding is None:
            return "nothing that is known"
        if self.holding.silent:
            return "a database that is down, so that nobody knows its rows"
        return f"{self.holding.rows} rows"

    @property
    def where(self) -> str:
        """Return the place in one line."""
        host = self.server.name if self.server else "this machine"
        if self.place.cluster:
            cluster = self.place.cluster
            return f"{host}, cluster {cluster.name}, port {cluster.port}, {cluster.database}"
        if self.place.instance:
            return f"{host}, {where_is(self.place.instance)}"
        if self.subject.of_cloud:
            return f"{self.subject.kind.value} {self.place.name}, new in the cloud"
        return f"{host}, {self.place.folder}"


def choose_copy(
    subject: Subject,
    copies: Sequence[Copy],
    *,
    now: datetime,
    repository: str = "",
    run: str = "",
) -> Copy:
    """Return the copy that is meant: the newest whole one, or the one of a run.

    One from the future (a clock was wrong) is taken only by its name, or where there is no other.

    Raises:
        RefusedError: there is none.
    """
    found = [
        copy
        for copy in copies
        if copy.subject == subject.name
        and (not repository or copy.repository == repository)
        and (not run or copy.run == run)
    ]
    whole = [copy for copy in found if copy.whole]
    if not whole:
        why = "was cut off" if found else "is not there"
        raise RefusedError(
            f"no copy of {subject.name} can be restored: {run or 'the newest'} {why}",
            remedy="See orchestrator backup list -v.",
        )
    # Of the same moment the first declared repository is the near one.
    near = {name: -number for number, name in enumerate(subject.repositories)}
    dated = not_of_the_future(whole, now=now) or whole
    return max(dated, key=lambda copy: (copy.taken_at, near.get(copy.repository, 0)))


def place_of(subject: Subject, wanted: Destination, *, home: Server | None, run: str) -> Place:
    """Return where a copy goes; `home` is where the subject is now, or was declared.

    Raises:
        RefusedError: the destination says too little, or what cannot be.
    """
    _refuse_unheard(subject, wanted)
    if subject.kind is SubjectKind.SITE:
        if not wanted.folder:
            raise RefusedError(
                f"{subject.name} is not written over a site in use",
                remedy="Give --folder with a folder that is not there.",
            )
        return Place(server="", folder=wanted.folder)
    if subject.of_cloud:
        return Place(server="", name=wanted.name or name_of_restored(subject))
    host = wanted.host or (home.name if home else "")
    beside = bool(wanted.host or wanted.name or wanted.port)
    if subject.instance is not None:
        made = f"{subject.name.replace('/', '_')}_{ELSEWHERE}"
        instance = (
            instance_elsewhere(subject.instance, name=wanted.name or made, port=wanted.port)
            if beside
            else subject.instance
        )
        return Place(server=host, instance=instance, make=beside)
    if subject.cluster is None:
        elsewhere = wanted.folder or f"{FOLDER}/{run}"
        return Place(server=host, folder=elsewhere if wanted.host or wanted.folder else "/")
    if not beside:
        return Place(server=host, cluster=subject.cluster)
    # PostgreSQL on Debian takes no hyphens, and people type them.
    name = wanted.name.replace("-", "_") or f"{subject.cluster.name}_{ELSEWHERE}"
    port = subject.cluster.port + PORT_DISTANCE if wanted.port is None else wanted.port
    cluster = replace(subject.cluster, name=name, port=port)
    return Place(server=host, cluster=cluster, make=True)


def _refuse_unheard(subject: Subject, wanted: Destination) -> None:
    """Refuse what this kind of subject has no use for: unheard, it would go to its own place."""
    options: dict[str, object] = {
        "--to": wanted.host,
        "--as": wanted.name,
        "--port": wanted.port,
        "--folder": wanted.folder,
    }
    useful = {
        SubjectKind.SERVICE: ("--to", "--as", "--port"),
        SubjectKind.DATABASES: ("--to", "--as", "--port"),
        SubjectKind.FILES: ("--to", "--folder"),
        SubjectKind.SITE: ("--folder",),
        SubjectKind.IMAGE: ("--as",),
        SubjectKind.VOLUME: ("--as",),
    }[subject.kind]
    unheard = [name for name, value in options.items() if value and name not in useful]
    if unheard:
        raise RefusedError(
            f"{subject.name} cannot be restored with {', '.join(unheard)}",
            remedy=f"Where it goes is said with {', '.join(useful)}.",
        )
    if wanted.folder and subject.kind is SubjectKind.FILES and not wanted.folder.startswith("/"):
        raise RefusedError(
            f"--folder {wanted.folder} is on the host, and not absolute",
            remedy="Give its whole path, from /.",
        )


def steps_of(plan: RestorePlan) -> Iterator[str]:
    """Return what a restore does, one act a line."""
    copy, manifest = plan.copy, plan.manifest
    origin = f"{copy.repository} ({plan.store.server.name})"
    yield f"Fetch the copy {copy.run} of {copy.taken_at:%Y-%m-%d %H:%M:%S} UTC from {origin}"
    if plan.subject.of_cloud:
        yield from steps_of_cloud(plan.subject, manifest, plan.place.name)
        return
    if plan.place.instance is not None:
        yield from steps_of_databases(manifest, plan.where, make=plan.place.make, lost=plan.lost)
        return
    if plan.place.cluster is None:
        yield f"Write {len(manifest.facts.files)} files to {plan.where}"
        yield "Compare each file with the SHA-256 that was recorded"
        return
    if plan.place.make:
        yield f"Make {plan.where}, for this host's users alone"
    roles = ", ".join(manifest.facts.roles) or "none"
    yield f"Make the roles that are missing, with their passwords' verifiers ({roles})"
    rows = sum(table.rows for table in manifest.facts.tables.values())
    yield f"Fill a new database with {len(manifest.facts.tables)} tables, {rows} rows"
    yield "Refuse it unless what came is, byte for byte, what was recorded"
    if plan.overwrites:
        yield f"Put it in the place of {plan.where}. LOST there: {plan.lost}"
    else:
        yield f"Give it the name of the service: {plan.where}"
    yield "Count every table again, and compare rows and checksums with the record"
