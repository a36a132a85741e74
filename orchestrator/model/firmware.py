"""Firmware: which version every server of a profile is to have, and where that comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.model.units import NOWHERE, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmwareImage:
    """A component's version that is agreed upon, and the maker's file that brings it."""

    component: str
    """As the BMC's firmware inventory names it; `BIOS` and `BMC` are these two on every make."""
    version: str
    """As the BMC tells it once it runs."""
    image: str
    """The file's address, http or https, from where BMCs fetch it."""
    sha256: str
    """Of the file, in hexadecimal; compared before any host is touched."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmwareChange:
    """A component whose firmware is to be another one."""

    component: str
    before: str
    after: str
    image: str
    sha256: str
