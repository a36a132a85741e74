"""What an OpenStack service says no with, sorted by what a caller may do about it."""

from __future__ import annotations

from orchestrator.errors import CloudError


class RequestRefusedError(CloudError):
    """The service answered, and the answer is no. `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int, remedy: str = "") -> None:
        """Keep the status, so that nobody reads it from the message."""
        super().__init__(message, remedy=remedy)
        self.status = status


class NotThereError(RequestRefusedError):
    """404: the object does not exist."""


class ConflictError(RequestRefusedError):
    """409: the object exists already, is in use, or is locked at this moment."""


class UncertainError(CloudError):
    """A request that makes something got no clear answer: it may or may not have been done."""

    def __init__(self, message: str, *, retry_after: float | None) -> None:
        """Keep how long the service asked to be left alone, in seconds."""
        super().__init__(message, remedy="Run the same command again: it looks first.")
        self.retry_after = retry_after
