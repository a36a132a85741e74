"""The backup ports: restic's repositories and PostgreSQL's clusters on the site's own hosts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    BackupFault,
    Copy,
    Facts,
    Holding,
    Instance,
    Listing,
    Manifest,
    Place,
    Restored,
    Subject,
    Verified,
)
from orchestrator.model.backup_databases import databases_in
from orchestrator.model.hardware import Server
from orchestrator.ports.backup import Store
from orchestrator.providers.backup.answers import facts_of, listing_of, manifest_of, unreadable
from orchestrator.providers.backup.members import Member, chosen_member, member_of
from orchestrator.providers.backup.requests import (
    Keys,
    act_at,
    cluster_json,
    instance_json,
    place_json,
)
from orchestrator.providers.backup.site_records import SiteRecords

BACK_UP_SECONDS = 4 * 3600.0
RESTORE_SECONDS = 4 * 3600.0
ASK_SECONDS = 60.0
TRIAL_SECONDS = 120.0
LIST_SECONDS = 300.0
COUNT_SECONDS = 1800.0
VERIFY_SECONDS = 4 * 3600.0
LEAST_FREE_BYTES = 32 << 20
"""Below this a server that failed is taken to have failed for want of room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostCopying:
    """Copies what hosts have into repositories, from the hosts themselves."""

    keys: Keys
    records: SiteRecords

    def source(self, subject: Subject, servers: Sequence[Server]) -> Server:
        """Return the server that a subject is copied from now."""
        if subject.instance is not None:
            return self._member(subject, subject.instance, servers)
        if subject.cluster is None:
            return servers[0]
        told: dict[str, str] = {}
        for server in servers:
            try:
                request = {"cluster": cluster_json(subject.cluster)}
                answer = self.keys.agents.ask(server, "role", request, within=ASK_SECONDS)
            except BackupError as error:
                told[server.name] = error.fault.value
                continue
            told[server.name] = str(answer.get("role"))
        primaries = [server for server in servers if told[server.name] == "primary"]
        if len(primaries) == 1:
            return primaries[0]
        seen = ", ".join(f"{name} is {role}" for name, role in told.items())
        raise BackupError(
            f"{subject.name} has {len(primaries)} primaries: {seen}",
            fault=BackupFault.SILENT if not primaries else BackupFault.REFUSED,
            remedy="See orchestrator service status.",
        )

    def _member(self, subject: Subject, instance: Instance, servers: Sequence[Server]) -> Server:
        """Return the member of a MariaDB cluster that databases are copied from."""
        told: dict[str, Member] = {}
        request = {"instance": instance_json(instance)}
        for server in servers:
            try:
                answer = self.keys.agents.ask(server, "role-databases", request, within=ASK_SECONDS)
            except BackupError as error:
                told[server.name] = Member(role=f"{error.fault.value} ({error.message})")
                continue
            told[server.name] = member_of(answer)
        chosen = chosen_member(subject.name, told)
        return next(server for server in servers if server.name == chosen)

    def back_up(
        self, subject: Subject, server: Server, *, store: Store, run: str, at: datetime
    ) -> Copy:
        """Copy a subject from a server into one repository."""
        request = self.keys.far(
            store,
            subject=subject.name,
            run=run,
            host=server.name,
            taken_at=at.isoformat(),
            cluster=cluster_json(subject.cluster) if subject.cluster else None,
            instance=instance_json(subject.instance) if subject.instance else None,
            paths=list(subject.paths),
            exclude=list(subject.exclude),
        )
        try:
            act = act_at("back-up", subject)
            told = self.keys.agents.ask(server, act, request, within=BACK_UP_SECONDS)
        except BackupError as error:
            raise self._explained(error, store) from error
        return _copy(told, subject, store=store, run=run, at=at, host=server.name)

    def back_up_site(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        """Copy the site's directory and its state from this machine into one repository."""
        packed = self.records.pack()
        more = {
            "subject": subject.name,
            "run": run,
            "host": "this-machine",
            "taken_at": at.isoformat(),
            "files": packed.files,
            "content": base64.b64encode(packed.content).decode(),
        }
        told = self.keys.at(store, "keep-site", within=BACK_UP_SECONDS, **more)
        return _copy(told, subject, store=store, run=run, at=at, host="this-machine")

    def may_delete(self, subject: str, *, store: Store, server: Server) -> bool:
        """Say whether a server can delete what it wrote: a trial file, and never a copy.

        That it is gone the repository's own files tell. That it stays proves nothing where the
        server was not reached: then a BackupError says so.
        """
        request = self.keys.far(store, subject=subject, host=server.name)
        told = self.keys.agents.ask(server, "try-to-delete", request, within=TRIAL_SECONDS)
        more = {"subject": subject, "trial_id": str(told.get("trial_id", ""))}
        if not self.keys.at(store, "end-trial", within=TRIAL_SECONDS, **more)["there"]:
            return True
        if not told.get("refused"):
            raise BackupError(
                f"{server.name} could not try to delete in {store.repository.name}, so "
                f"nothing is proved: {told.get('said') or 'restic said nothing'}",
                fault=BackupFault.FAILED,
                remedy="Run it again when no backup is at work, or run backup prepare.",
            )
        return False

    def _explained(self, error: BackupError, store: Store) -> BackupError:
        """Ask the server whether it is full: its clients hear of a failure only."""
        if error.fault not in {BackupFault.SILENT, BackupFault.FAILED}:
            return error
        try:
            free = int(self.keys.at(store, "space", within=ASK_SECONDS)["free_bytes"])
        except BackupError as silent:
            return BackupError(
                f"{error.message}; and {silent.message}", fault=error.fault, remedy=silent.remedy
            )
        if free > LEAST_FREE_BYTES:
            return error
        return BackupError(
            f"{store.server.name} has {free >> 20} MiB left in {store.repository.path}",
            fault=BackupFault.NO_SPACE,
            remedy="Give the server more room, or prune, and run it again.",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryArchive:
    """Keeps copies, on the repositories' own servers."""

    keys: Keys

    def prepare(self, subjects: Sequence[str], *, store: Store) -> tuple[str, ...]:
        """Make a subject's folder where there is none; return the names of those made."""
        more = {"subjects": list(subjects)}
        told = self.keys.at(store, "prepare", within=LIST_SECONDS, **more)
        return tuple(str(name) for name in told["made"])

    def copies(self, subjects: Sequence[str], *, store: Store) -> Listing:
        """Return the copies of some subjects, and by name what of them cannot be read."""
        more = {"subjects": list(subjects)}
        told = self.keys.at(store, "copies", within=LIST_SECONDS, **more)
        return listing_of(store.repository.name, told)

    def manifest(self, copy: Copy, *, store: Store) -> Manifest:
        """Return what was recorded with a copy."""
        if not copy.whole:
            raise BackupError(
                f"{copy.subject} of run {copy.run} was cut off: it is no copy",
                fault=BackupFault.ABSENT,
            )
        more = {"subject": copy.subject, "manifest_id": copy.manifest_id}
        return manifest_of(self.keys.at(store, "manifest", within=LIST_SECONDS, **more))

    def verify(self, subject: str, *, store: Store, parts: Sequence[int]) -> Verified:
        """Read a subject's folder: some parts of its data, and all that leads to it."""
        more = {"subject": subject, "parts": list(parts)}
        told = self.keys.at(store, "verify", within=VERIFY_SECONDS, **more)
        return Verified(
            subject=subject,
            repository=store.repository.name,
            files_read=int(told["files_read"]),
            bytes_read=int(told["bytes_read"]),
            broken=tuple(str(name) for name in told["broken"]),
            complaint=str(told["complaint"]),
        )

    def prune(self, copies: Sequence[Copy], *, store: Store, now: datetime) -> int:
        """Delete copies of one subject, and the data that no other needs; return bytes freed."""
        (subject,) = {copy.subject for copy in copies}
        # The manifest first: what is left after a kill is a copy that was cut off, not a hole.
        snapshots = [
            *(copy.manifest_id for copy in copies if copy.manifest_id),
            *(copy.data_id for copy in copies if copy.data_id),
        ]
        more = {"subject": subject, "snapshots": snapshots, "now_seconds": now.timestamp()}
        return int(self.keys.at(store, "prune", within=VERIFY_SECONDS, **more)["freed_bytes"])


@dataclass(frozen=True, kw_only=True, slots=True)
class HostRestores:
    """Brings copies back to hosts, and counts what is there."""

    keys: Keys
    records: SiteRecords

    def holding(self, place: Place, *, server: Server) -> Holding:
        """Return what is at a place now."""
        request = {"place": place_json(place)}
        act = act_at("holding", place)
        told = self.keys.agents.ask(server, act, request, within=COUNT_SECONDS)
        try:
            return Holding(
                cluster=bool(told["cluster"]),
                running=bool(told["running"]),
                in_recovery=bool(told["in_recovery"]),
                rows=int(told["rows"]),
            )
        except (KeyError, ValueError) as error:
            raise unreadable(f"what {server.name} holds", error) from error

    def restore(self, copy: Copy, *, store: Store, place: Place, server: Server) -> Restored:
        """Bring a copy to a place, instead of what is there."""
        request = self.keys.far(
            store,
            subject=copy.subject,
            data_id=copy.data_id,
            manifest_id=copy.manifest_id,
            place=place_json(place),
        )
        act = act_at("restore", place)
        told = self.keys.agents.ask(server, act, request, within=RESTORE_SECONDS)
        return Restored(
            seconds=float(told["seconds"]),
            fetched_bytes=int(told["fetched_bytes"]),
            steps={str(name): float(value) for name, value in told["steps"].items()},
        )

    def restore_site(self, copy: Copy, *, store: Store, folder: str) -> Facts:
        """Write a copy of the site's records below a folder of this machine, and count them."""
        more = {"subject": copy.subject, "data_id": copy.data_id}
        told = self.keys.at(store, "site", within=LIST_SECONDS, **more)
        return facts_of({"files": self.records.unpack(base64.b64decode(told["content"]), folder)})

    def facts(self, place: Place, *, server: Server, like: Facts) -> Facts:
        """Count what is at a place, as `like` was counted."""
        request = {
            "place": place_json(place),
            "files": sorted(like.files),
            "databases": list(databases_in(like)),
        }
        act = act_at("facts", place)
        return facts_of(self.keys.agents.ask(server, act, request, within=COUNT_SECONDS))

    def remove(self, place: Place, *, server: Server) -> None:
        """Remove what a restore made at a place."""
        request = {"place": place_json(place)}
        self.keys.agents.ask(server, act_at("remove", place), request, within=ASK_SECONDS)


def _copy(
    told: Mapping[str, Any], subject: Subject, *, store: Store, run: str, at: datetime, host: str
) -> Copy:
    try:
        return Copy(
            subject=subject.name,
            repository=store.repository.name,
            run=run,
            taken_at=at,
            data_id=str(told["data_id"]),
            manifest_id=str(told["manifest_id"]),
            host=host,
            size_bytes=int(told["size_bytes"]),
        )
    except (KeyError, ValueError) as error:
        raise unreadable(f"what {host} said of its copy", error) from error
