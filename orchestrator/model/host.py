"""What the operating system of a server tells of itself over SSH."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class HostFault(StrEnum):
    """Why a host told nothing."""

    SILENT = "silent"
    """It does not answer, or not to its end, in time."""
    HOST_KEY = "host key changed"
    """It shows another host key than at first contact: nothing was sent."""
    LOGIN_REFUSED = "login refused"
    FAILED = "failed"
    """A command on it failed."""
    UNDECLARED = "undeclared"
    """The site does not say where it is."""


NO_PATIENCE = frozenset({HostFault.HOST_KEY, HostFault.UNDECLARED})
"""Faults that waiting does not mend. A refused login is none: a host that goes down or comes up
refuses logins for a while (pam_nologin, seen on Debian 12)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a command on a host ended."""

    status: int
    out: str
    err: str = field(default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostIdentity:
    """Who a host says it is; empty where it says nothing."""

    hostname: str
    os_id: str
    os_version: str
    image: str
    """Name of the image that the deployment wrote."""
    sha256: str
