"""Backups: what is copied to where, what a copy is, and what is known of the data in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from annotated_types import Interval

from orchestrator.model.backup_cloud import ProjectVolume
from orchestrator.model.backup_databases import DatabaseName as DatabaseName
from orchestrator.model.backup_databases import Instance as Instance
from orchestrator.model.backup_facts import Facts as Facts
from orchestrator.model.backup_facts import FileFacts as FileFacts
from orchestrator.model.backup_facts import Holding as Holding
from orchestrator.model.backup_facts import Restored as Restored
from orchestrator.model.backup_facts import Sentinel as Sentinel
from orchestrator.model.backup_facts import TableFacts as TableFacts
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.units import (
    NOWHERE,
    Name,
    NaturalInt,
    PositiveInt,
    SecretRef,
    Source,
    Text,
)


class BackupMethod(StrEnum):
    """How the data of a service is copied."""

    DUMP = "dump"
    """A whole, consistent dump each time; only what changed is transferred and kept."""
    CONTINUOUS = "continuous"
    """PostgreSQL's log as it is written, with copies of the cluster to begin from; and, more
    rarely, the dump, which alone nobody can delete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupPolicy:
    """How often, how long and where copies are kept (GB/T 20988 grade as a label)."""

    name: Name
    grade: Annotated[int, Interval(ge=1, le=6)]
    standard: str = "GB/T 20988-2025"
    rpo_minutes: NaturalInt
    rto_minutes: NaturalInt
    keep_days: PositiveInt
    copies: tuple[Name, ...]
    """Regions that hold a copy: each repository there gets one."""
    drill_every_days: PositiveInt
    method: BackupMethod = BackupMethod.DUMP
    every_minutes: PositiveInt | None = None
    """Between two backups; None: half of the RPO, and an hour where that is nothing. Of a
    continuous policy between two dumps; None: a day."""
    archive_seconds: Annotated[int, Interval(ge=5, le=3600)] = 60
    """Continuous: a change waits at most so long until its piece of the log is archived."""
    keep_all_days: PositiveInt = 2
    """So long every copy is kept; of older days the last one each."""
    immutable_days: NaturalInt = 0
    """So long nobody can delete a copy, not even `backup prune`."""
    verify_every_days: PositiveInt = 7
    """All data of a repository is read again within this time."""
    daily_change_percent: Annotated[int, Interval(ge=1, le=100)] = 5
    """Of the data, as far as it is known; what the lines must carry is reckoned from it."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupRepository:
    """A place that keeps copies: a folder on a backup server, encrypted before it gets there."""

    name: Name
    region: Name
    server: Name
    """Of role `backup`."""
    path: str = "/srv/backup"
    key: SecretRef
    """What the copies are encrypted with; it is given for a run and stays on no host."""
    append_only: bool = True
    """The server lets those who write neither delete nor change what is there."""
    restore_hosts: tuple[Name, ...] = ()
    """Servers that may read every copy, beside those that made it: spares, and for drills."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupSet:
    """What is copied beside the services: of hosts, of the cloud, and the site's own records.

    One of these in each set.
    """

    name: Name
    display: Text
    policy: Name
    roles: tuple[ServerRole, ...] = ()
    """All hosts of these roles ..."""
    hosts: tuple[Name, ...] = ()
    """... and these."""
    paths: tuple[str, ...] = ()
    """Files and folders of each host, absolute."""
    exclude: tuple[str, ...] = ()
    """restic's patterns, such as `*.tmp` or `/var/lib/cache`."""
    databases: tuple[DatabaseName, ...] = ()
    """Of the hosts' own MariaDB, which is one cluster in each region: one copy, of all of them at
    one moment, comes from a member that answers."""
    site: bool = False
    """The site's directory and its recorded state, from the machine that runs this program."""
    settings: bool = False
    """With `site`: read what network devices run and BMCs are set to anew, before each copy."""
    images: tuple[Name, ...] = ()
    """Images of the system layer, as Glance has them."""
    volumes: tuple[ProjectVolume, ...] = ()
    """Volumes of tenants, through snapshots that Cinder makes."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)

    def means(self, server: Server) -> bool:
        """Say whether a server is one of its hosts."""
        return server.name in self.hosts or server.role in self.roles


class SubjectKind(StrEnum):
    """What a subject of backups is."""

    SERVICE = "service"
    FILES = "files"
    SITE = "site"
    DATABASES = "databases"
    IMAGE = "image"
    VOLUME = "volume"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A PostgreSQL cluster, as Debian's pg_lsclusters shows it, and the service's database."""

    name: str
    version: str
    port: PositiveInt
    database: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One thing that is copied and restored by itself, and has a folder in each repository."""

    name: str
    """`TENANT/SERVICE`, or of a set `SET/HOST`, of databases `SET/REGION`, of its own records
    `SET/site`, `SET/IMAGE` or `SET/VOLUME`."""
    kind: SubjectKind
    policy: BackupPolicy
    repositories: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    """Servers that have it; a service's may change their roles. Empty: this machine."""
    cluster: Cluster | None = None
    """Of a service."""
    instance: Instance | None = None
    """Of databases: each host's own."""
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    settings: bool = False
    image: str = ""
    volume: ProjectVolume | None = None

    @property
    def of_database(self) -> bool:
        """Say whether a database server has it: it is asked for, and holds a sentinel."""
        return self.cluster is not None or self.instance is not None

    @property
    def of_cloud(self) -> bool:
        """Say whether OpenStack has it, and its interfaces bring it here and back."""
        return self.kind in {SubjectKind.IMAGE, SubjectKind.VOLUME}


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """One copy in one repository. There is a manifest with each that is whole."""

    subject: str
    repository: str
    run: str
    """Names it: copies of one run in two repositories have the same."""
    taken_at: datetime
    """No change before this moment is missing; by the clock of the machine that ran the backup."""
    data_id: str
    """What the engine calls its data; empty where there is none."""
    manifest_id: str
    """What the engine calls its manifest; empty: the backup was cut off, and is no copy."""
    host: str = ""
    """Where it came from."""
    size_bytes: NaturalInt = 0
    note: str = ""
    """What it is not, although it is whole; known when it is made."""

    @property
    def whole(self) -> bool:
        """Say whether it can be restored."""
        return bool(self.manifest_id and self.data_id)


PARTS = 16
"""The data of a subject is read again in so many parts, by the first digit of its files' names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What a repository holds of some subjects, and what of it cannot be read."""

    copies: tuple[Copy, ...] = ()
    """The oldest first; those cut off, too."""
    damaged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By subject: files that cannot be read. There may be copies that are not listed."""
    read: Mapping[str, tuple[datetime | None, ...]] = field(default_factory=dict)
    """By subject: when each of its PARTS was found sound last, by the server's clock; None: never.
    A subject that is not in it was never read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What was recorded when a copy was made, in the same transaction as its data."""

    run: str
    subject: str
    taken_at: datetime
    host: str
    facts: Facts
    data_id: str
    data_bytes: NaturalInt
    """Of the stream or the files, before the repository folded them."""
    data_sha256: str = ""
    """Of the stream; empty where the data is files, which have their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What reading a repository's folder of one subject found."""

    subject: str
    repository: str
    files_read: NaturalInt
    bytes_read: NaturalInt
    broken: tuple[str, ...] = ()
    """Files whose content is not what their name says, or that are missing; by their path."""
    complaint: str = ""
    """What the engine's own check said where no file explains it."""

    @property
    def sound(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.broken and not self.complaint


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something is restored: a server, and there a database or a folder."""

    server: Name
    cluster: Cluster | None = None
    """For a service."""
    instance: Instance | None = None
    """For databases."""
    folder: str = ""
    """For files; `/`: where they were."""
    make: bool = False
    """The cluster or server is not there yet: make it, and only it."""
    name: str = ""
    """Of an image or a volume that is made."""


class BackupFault(StrEnum):
    """Why a copy could not be made, read, proved or brought back."""

    SILENT = "silent"
    """A host does not answer, or not to the end."""
    UNPREPARED = "unprepared"
    """The host lacks a program, a key or leave to write: `backup prepare` gives them."""
    BUSY = "busy"
    """Another run is working on the same subject."""
    NO_SPACE = "no space"
    WRONG_KEY = "wrong key"
    ABSENT = "absent"
    """There is no such copy, database or folder."""
    BROKEN = "broken"
    """Files of the repository are damaged or missing."""
    MISMATCH = "mismatch"
    """What came back is not what was recorded."""
    REFUSED = "refused"
    """It would overwrite or remove what it may not."""
    FAILED = "failed"
    """A program failed in another way."""
