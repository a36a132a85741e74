"""Built images: what a builder is told, what it made, and what lies in the site's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from orchestrator.model.system import Image, ImageForm, PackageRepository

BUILDABLE = frozenset({"debian"})
"""Systems that an image can be built of: for the others there is no proved builder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRecipe:
    """Everything that decides the content of an image."""

    name: str
    snapshot: date
    repositories: tuple[PackageRepository, ...]
    packages: tuple[str, ...]
    services: tuple[str, ...]
    files: Mapping[str, str]
    """Text by absolute path."""
    links: Mapping[str, str]
    """Where symbolic links lead, by their absolute path."""
    form: ImageForm
    size_mib: int

    @property
    def epoch(self) -> int:
        """Return the time that everything in the image seems to be of, in seconds since 1970."""
        return int(datetime.combine(self.snapshot, time(), UTC).timestamp())

    @property
    def published_before(self) -> datetime:
        """Return the first moment that is too late for a repository to be published."""
        return datetime.combine(self.snapshot + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Package:
    """One package of an image."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltImage:
    """What a builder made."""

    sha256: str
    size_bytes: int
    packages: tuple[Package, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionChange:
    """A package that two images have in different versions."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageDifference:
    """How the packages of two images differ."""

    added: tuple[Package, ...]
    removed: tuple[Package, ...]
    changed: tuple[VersionChange, ...]


class FileState(StrEnum):
    """Whether an image's file is what the site declares."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """It has another content than the declared one: it is not uploaded."""
    MISSING = "missing"
    UNREADABLE = "unreadable"


class CloudState(StrEnum):
    """Whether Glance has the declared content."""

    STORED = "stored"
    OTHER = "other content"
    """Glance has an image of this name with another content."""
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The cloud did not answer."""


class HostState(StrEnum):
    """Whether a host runs the image that is declared for it."""

    CURRENT = "current"
    OUTDATED = "out of date"
    """It was written with the same image, before its content changed."""
    OTHER = "other image"
    UNRECORDED = "not deployed"
    """It answers, and no deployment left a record on it."""
    UNDECLARED = "none declared"
    """It runs an image, and the site does not say which one it should."""
    UNKNOWN = "unknown"
    """It does not answer, or declares no address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageStatus:
    """A declared image, as it is found."""

    image: Image
    file: FileState
    found_sha256: str = ""
    """Of the file, where it can be read."""
    cloud: CloudState


@dataclass(frozen=True, kw_only=True, slots=True)
class HostImage:
    """What one host runs."""

    host: str
    state: HostState
    declared: str = ""
    """Name of the image that it should run."""
    image: str = ""
    """Name of the image that it says to run."""
    sha256: str = ""
    reason: str = ""
    """Why it is unknown, or no image is declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageReport:
    """All declared images, and the hosts that were asked."""

    images: tuple[ImageStatus, ...]
    hosts: tuple[HostImage, ...] = ()
    hosts_asked: bool = False
    cloud_fault: str = ""
    """Why the cloud told nothing; empty where it did."""
