"""Glance's things, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class ImageArgs:
    """Inputs of an image."""

    name: str
    title: str
    file: str
    """Absolute path; not part of what is compared."""
    sha256: str
    disk_format: str
    os_distro: str
    os_version: str
    min_disk_gib: int
    min_memory_mib: int
    visibility: str
    tags: Sequence[str]


class Image(GovCloudResource[ImageArgs]):
    """A disk image, uploaded when its content is what was declared."""

    kind = "image:Image"
