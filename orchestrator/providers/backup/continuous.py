"""The ports of continuous archives: pgBackRest on the site's own hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.model.backup import Cluster, Place, Subject, Verified
from orchestrator.model.continuous import (
    Archive,
    Backlog,
    BaseCopy,
    BaseKind,
    PointRestored,
    archive_key,
    archive_place,
)
from orchestrator.model.hardware import Server
from orchestrator.ports import SecretStore
from orchestrator.ports.backup import Store
from orchestrator.ports.continuous import Moment
from orchestrator.providers.backup.answers import unreadable
from orchestrator.providers.backup.requests import cluster_json, place_json
from orchestrator.providers.backup.sending import Agents

PREPARE_SECONDS = 300.0
ADVANCE_SECONDS = 120.0
ASK_SECONDS = 60.0
COPY_SECONDS = 12 * 3600.0
LIST_SECONDS = 300.0
VERIFY_SECONDS = 12 * 3600.0
RESTORE_SECONDS = 12 * 3600.0
CREATE = "create"
TIMELINE_LETTERS = 8
"""Of a segment's name."""
POSTGRESQL_DATA = "/var/lib/postgresql"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveRequests:
    """Makes requests about archives: their keys are made here, and go into a request alone."""

    agents: Agents
    secrets: SecretStore

    def of(self, subject: Subject, store: Store) -> dict[str, Any]:
        """Return what a host is told of a service's archive in one repository."""
        place = archive_place(subject, store.repository)
        master = self.secrets.get(store.repository.key)
        return {
            "subject": subject.name,
            "stanza": place.stanza,
            "user": place.user,
            "home": place.home,
            "folder": place.folder,
            "address": str(store.server.address or ""),
            "key": archive_key(master, subject.name).reveal(),
            "keep_days": subject.policy.keep_all_days,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class HostArchiving:
    """Fills archives, from the database's own host."""

    requests: ArchiveRequests

    def prepare(self, subject: Subject, server: Server, *, store: Store) -> None:
        """Make the archive where there is none; of one that is there, see that it is this one's."""
        self._ask_server(subject, server, store, within=PREPARE_SECONDS, kind=CREATE)

    def advance(self, subject: Subject, server: Server, *, run: str, at: datetime) -> str:
        """Write a sentinel row, have the log up to it archived, and return that segment's name."""
        request = {
            "subject": subject.name,
            "cluster": cluster_json(_cluster(subject)),
            "run": run,
            "taken_at": at.isoformat(),
        }
        agents = self.requests.agents
        return str(agents.ask(server, "advance", request, within=ADVANCE_SECONDS)["segment"])

    def copy(
        self, subject: Subject, server: Server, *, store: Store, kind: BaseKind, run: str
    ) -> None:
        """Copy the cluster into one repository, for the log to begin from."""
        asked = {"kind": kind.value, "run": run}
        self._ask_server(subject, server, store, within=COPY_SECONDS, **asked)

    def backlog(self, subject: Subject, server: Server) -> Backlog:
        """Return what of the log waits on its primary, as long as a repository does not take it."""
        request = {"cluster": cluster_json(_cluster(subject))}
        told = self.requests.agents.ask(server, "backlog", request, within=ASK_SECONDS)
        try:
            return Backlog(
                server=server.name,
                waiting_bytes=int(told["waiting_bytes"]),
                free_bytes=int(told["free_bytes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(f"what waits on {server.name}", error) from error

    def _ask_server(
        self, subject: Subject, server: Server, store: Store, *, within: float, **asked: str
    ) -> None:
        cluster = _cluster(subject)
        request = {
            "subject": subject.name,
            "host": server.name,
            "cluster": cluster_json(cluster),
            "archive": {**self.requests.of(subject, store), "data": data_folder(cluster)},
            **asked,
        }
        self.requests.agents.ask(server, "archive-act", request, within=within)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerKeeping:
    """Keeps archives, on the repositories' own servers."""

    requests: ArchiveRequests

    def archives(self, subjects: Sequence[Subject], *, store: Store) -> Mapping[str, Archive | str]:
        """Return what there is of each subject, by its name; or why nobody can tell."""
        request = {"archives": [self.requests.of(one, store) for one in subjects]}
        told = self.requests.agents.ask(store.server, "archives", request, within=LIST_SECONDS)
        name = store.repository.name
        return {one.name: archive_of(one.name, name, told["archives"]) for one in subjects}

    def verify(self, subject: Subject, *, store: Store, whole: bool) -> Verified:
        """See that no segment is missing in between, and read every copy and segment (`whole`)."""
        told = self._ask("verify-archive", subject, store=store, whole=whole)
        return Verified(
            subject=subject.name,
            repository=store.repository.name,
            files_read=int(told["files_read"]),
            bytes_read=int(told["bytes_read"]),
            broken=tuple(str(name) for name in told["broken"]),
            complaint=str(told["complaint"]),
        )

    def expire(self, subject: Subject, *, store: Store, now: datetime) -> int:
        """Remove what the policy lets go, and return the bytes that were freed."""
        more = {"now_seconds": now.timestamp()}
        return int(self._ask("expire-archive", subject, store=store, **more)["freed_bytes"])

    def _ask(self, act: str, subject: Subject, *, store: Store, **more: float) -> Mapping[str, Any]:
        request = {"archive": self.requests.of(subject, store), **more}
        return self.requests.agents.ask(store.server, act, request, within=VERIFY_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPointRestores:
    """Brings archives back to hosts."""

    requests: ArchiveRequests

    def restore(
        self, subject: Subject, *, store: Store, place: Place, server: Server, to: Moment
    ) -> PointRestored:
        """Bring a cluster back as it was at a moment, and let it write again."""
        request = {
            "subject": subject.name,
            "archive": self.requests.of(subject, store),
            "place": place_json(place),
            "run": to.run,
            "at": None if to.at is None else target_text(to.at),
            "loaded": list(to.loaded),
        }
        told = self.requests.agents.ask(server, "archive-restore", request, within=RESTORE_SECONDS)
        return PointRestored(
            seconds=float(told["seconds"]),
            fetched_bytes=int(told["fetched_bytes"]),
            steps={str(name): float(value) for name, value in told["steps"].items()},
            kept=str(told["kept"]),
        )

    def is_cut_off(self, subject: Subject, server: Server) -> bool:
        """Say whether a restore of the service itself was cut off here: it is down since then."""
        request = {"cluster": cluster_json(_cluster(subject))}
        agents = self.requests.agents
        return bool(agents.ask(server, "cut-off", request, within=ASK_SECONDS)["cut_off"])


def data_folder(cluster: Cluster) -> str:
    """Return where Debian's tools keep a cluster's data."""
    return f"{POSTGRESQL_DATA}/{cluster.version}/{cluster.name}"


def target_text(at: datetime) -> str:
    """Return a moment as pgBackRest and PostgreSQL take it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"


def _cluster(subject: Subject) -> Cluster:
    if subject.cluster is None:
        raise ValueError(f"{subject.name} is no service, and has no archive")
    return subject.cluster


def archive_of(subject: str, repository: str, told: Mapping[str, Any]) -> Archive | str:
    """Read what a server told of one archive; none is an empty one."""
    one = told.get(subject)
    if one is None:
        return Archive(subject=subject, repository=repository)
    try:
        if "fault" in one:
            return str(one["fault"]["message"])
        wrong = [repo["status"] for repo in one["repo"] if repo["status"]["code"] not in EMPTY]
        if wrong:
            return wrong_words(str(wrong[0]["message"]))
        newest = one["newest"]
        return Archive(
            subject=subject,
            repository=repository,
            copies=tuple(_copy(copy) for copy in one["backup"] if not copy["error"]),
            newest_segment=str(newest["segment"]) if newest else "",
            archived_at=moment_of(newest["at_seconds"]) if newest else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(f"the archive of {subject} in {repository}", error) from error


EMPTY = (0, 2)
"""pgBackRest's codes of a repository that is well, and of one that has no backup yet."""
SHOWN_CHARACTERS = 200


def wrong_words(message: str) -> str:
    """Return the first line of what pgBackRest says of a repository that it cannot read.

    What follows are bytes of a file that a wrong key made of it.
    """
    line = message.splitlines()[0] if message else "pgBackRest cannot read it"
    return "".join(letter for letter in line if letter.isprintable())[:SHOWN_CHARACTERS]


def _copy(told: Mapping[str, Any]) -> BaseCopy:
    return BaseCopy(
        label=str(told["label"]),
        kind=BaseKind(str(told["type"])),
        begun_at=moment_of(told["timestamp"]["start"]),
        ended_at=moment_of(told["timestamp"]["stop"]),
        size_bytes=int(told["info"]["repository"]["delta"]),
        timeline=str((told.get("archive") or {}).get("stop") or "")[:TIMELINE_LETTERS],
    )


def moment_of(seconds: float) -> datetime:
    """Read a moment that is told as seconds since 1970."""
    return datetime.fromtimestamp(float(seconds), tz=UTC)
