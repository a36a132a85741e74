"""The databases port: what runs on a host, and who is the primary of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.model.declared_service import DeclaredService
from orchestrator.model.hardware import Server
from orchestrator.model.service_state import HostDatabases, Lineage, Term


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """The primary that a cluster is to follow."""

    address: str
    settings: str
    """The engine's own words for it."""
    lineage: Lineage
    """Where its log comes from: who has more than that does not follow it."""
    slots: tuple[str, ...] = ()
    """The places that a primary keeps for the site's hosts; a replica keeps none."""


class Databases(Protocol):
    """The database clusters on hosts. Each call is bounded; each failure is a ServiceError."""

    def look(self, server: Server, services: Sequence[DeclaredService]) -> HostDatabases:
        """Return what a host tells of services; a silent host is an answer, not a failure."""

    def certificate_request(self, server: Server) -> str:
        """Return a request (PEM) for a certificate of the host; its key stays there."""

    def flush(self, server: Server, declared: DeclaredService) -> None:
        """Bring what a primary has in memory to its disk while it works: its stop is short then."""

    def stop(self, server: Server, declared: DeclaredService) -> int:
        """Stop a primary in order; return the end of its log, in bytes."""

    def start(self, server: Server, declared: DeclaredService) -> None:
        """Start a cluster as it is; the caller has seen that no other one leads."""

    def promote(
        self, server: Server, declared: DeclaredService, *, followers: Sequence[str]
    ) -> Lineage:
        """Make a replica the primary, or leave it that; return where its log comes from."""

    def claim(self, server: Server, declared: DeclaredService, *, term: Term) -> None:
        """Tell a voter who is made the primary; one that knows of a newer term refuses."""

    def follow(self, server: Server, declared: DeclaredService, *, upstream: Upstream) -> None:
        """Let a cluster that is stopped, or a replica, follow a primary, and see that it does.

        One whose log has forked from the primary's is refused, and stays as it is.
        """


class CertificateAuthority(Protocol):
    """The site's own certificate authority."""

    def certificate(self) -> str:
        """Return the authority's own certificate (PEM), which clients trust."""

    def sign(self, request: str, *, server: Server) -> str:
        """Return a certificate (PEM) for a server of the site, for what it asks and no more."""
