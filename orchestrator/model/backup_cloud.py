"""What OpenStack itself has and a backup names: images and volumes."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.model.units import NOWHERE, Name, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectVolume:
    """A Cinder volume of a tenant's project."""

    name: Name
    """What it is called here, and in Cinder where no `id` is given."""
    tenant: Name
    project: Name
    id: str | None = None
    """In Cinder; for a volume whose name others have, too, or that is no name here."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)
