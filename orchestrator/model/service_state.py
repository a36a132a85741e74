"""What hosts tell of the databases on them. What they do not tell is None or UNKNOWN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ClusterRole(StrEnum):
    """What a cluster on a host is now."""

    PRIMARY = "primary"
    REPLICA = "replica"
    DOWN = "down"
    ABSENT = "absent"
    UNFINISHED = "unfinished"
    """Its making was cut off: it has never held data."""
    UNKNOWN = "unknown"
    """The host does not answer, or the cluster does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterFacts:
    """One cluster on one host."""

    role: ClusterRole
    reason: str = ""
    """Why it is down or unknown."""
    service: str = ""
    """Whose it says to be: TENANT/SERVICE; empty where we did not make it."""
    version: str = ""
    system_id: str = ""
    timeline: int | None = None
    lsn: int | None = None
    """The last write-ahead log that is in its data, in bytes: written, or received and applied."""
    received: int | None = None
    """The last log that a replica has on its disk; what is not applied yet is, when it leads."""
    upstream: str = ""
    """The address that a replica follows."""
    streaming: bool | None = None
    """A replica hears from its primary now."""
    lag_seconds: float | None = None
    size_bytes: int | None = None
    extensions: tuple[str, ...] = ()
    restart_pending: tuple[str, ...] = ()
    """Settings that wait for a restart."""
    follows: bool | None = None
    """It is set up to follow a primary, whether it runs or not."""
    clean: bool | None = None
    """Of one that is down: it was stopped in order, and `lsn` is the end of its log."""
    waits: str = ""
    """Of one that is down: why it waits before it starts as the primary; empty: it does not."""

    @property
    def held(self) -> int:
        """Return the end of all the log that it has, in bytes; 0: nothing is known of it."""
        return max(self.lsn or 0, self.received or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """Who was made the primary of a service, and how many times one was."""

    number: int
    leader: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LetStart:
    """Whom a voter let start as the primary a short while ago."""

    host: str
    seconds: float
    """So long it holds to that yet, and lets no other host be made the primary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """How a primary's log came to be."""

    system_id: str
    timeline: int
    forks: Mapping[int, int]
    """By earlier timeline: where, in bytes, its log and this one's part."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostDatabases:
    """What one host tells."""

    answers: bool
    reason: str = ""
    certificate_until: datetime | None = None
    """None: it has none."""
    certificate_authority: str = ""
    """The SHA-256 of the authority that it trusts."""
    clusters: Mapping[str, ClusterFacts] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
    """By cluster: what this host, as a voter, knows of who leads."""
    starts: Mapping[str, LetStart] = field(default_factory=dict)
    """By cluster: whom this host, as a voter, let start just now."""

    def cluster(self, name: str) -> ClusterFacts:
        """Return one cluster; of a silent host nothing is known."""
        if not self.answers:
            return ClusterFacts(role=ClusterRole.UNKNOWN, reason=self.reason)
        return self.clusters.get(name, ClusterFacts(role=ClusterRole.ABSENT))


Observed = Mapping[str, HostDatabases]
"""By host."""
