"""Cinder's things, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class QuotaArgs:
    """Inputs of a quota."""

    project_id: pulumi.Input[str]
    volumes: int
    storage_gib: int


class Quota(GovCloudResource[QuotaArgs]):
    """What a project may use of block storage."""

    kind = "volume:Quota"


@dataclass(frozen=True, kw_only=True)
class VolumeTypeArgs:
    """Inputs of a volume type."""

    name: str
    site: str
    description: str
    extra_specs: Mapping[str, str]
    public: bool = True


class VolumeType(GovCloudResource[VolumeTypeArgs]):
    """A class of block storage."""

    kind = "volume:VolumeType"
