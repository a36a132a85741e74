"""Every error that the product raises on purpose, and the exit code that each one means.

OrchestratorError                  1  failed
├── SpecError                      1  the site has faults (carries all of them)
├── StateError                     1  the recorded state cannot be read or written
├── SecretError                    1  a secret is missing or cannot be opened
├── CloudError                     1  the cloud refused or did not answer
├── BmcError                       1  a server's BMC refused or did not answer
├── HostError                      1  a server's operating system refused or did not answer
├── ServiceError                   1  a service on hosts cannot be what was asked for
├── ImageError                     1  an image cannot be built, or is not the declared one
├── BackupError                    1  a copy cannot be made, read, proved or brought back
├── SignatureError                 1  a signed report is not as this site signed it
├── EngineError                    1  a Pulumi program asks for what the engine cannot do
├── LabError                       1  the lab does not start or is broken
├── StalePlanError                 3  site, state or cloud moved since the plan was made
├── SiteLockedError                4  somebody else is working on the site
├── RefusedError                   5  a guard, or a person, said no
└── InterruptedRunError          130  stopped by Ctrl-C or SIGTERM, state saved
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from orchestrator.model.diagnostic import Diagnostic

if TYPE_CHECKING:
    from orchestrator.model.backup import BackupFault
    from orchestrator.model.host import HostFault
    from orchestrator.model.inventory import BmcFault


class OrchestratorError(Exception):
    """Base of all. `message` says what and why, `remedy` what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        """Keep the two texts apart, so that each output can show both."""
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class SpecError(OrchestratorError):
    """The site has faults; all of them are here."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Carry every fault at once."""
        super().__init__(
            f"the site has {len(diagnostics)} fault(s)", remedy="Mend them and run again."
        )
        self.diagnostics = tuple(diagnostics)


class StateError(OrchestratorError):
    """The recorded state cannot be read or written."""


class SecretError(OrchestratorError):
    """A secret is missing or cannot be opened."""


class CloudError(OrchestratorError):
    """The cloud refused or did not answer."""


class BmcError(OrchestratorError):
    """A server's BMC refused or did not answer; `fault` says which kind of refusal it is."""

    def __init__(self, message: str, *, fault: BmcFault, remedy: str = "") -> None:
        """Carry the kind of the fault."""
        super().__init__(message, remedy=remedy)
        self.fault = fault


class HostError(OrchestratorError):
    """A server's operating system refused or did not answer; `fault` says how."""

    def __init__(self, message: str, *, fault: HostFault, remedy: str = "") -> None:
        """Carry the kind of the fault."""
        super().__init__(message, remedy=remedy)
        self.fault = fault


class ServiceError(OrchestratorError):
    """A service on hosts refused or cannot be what was asked for."""


class ImageError(OrchestratorError):
    """An image cannot be built, or is not the declared one."""


class BackupError(OrchestratorError):
    """A copy cannot be made, read, proved or brought back; `fault` says which it is."""

    def __init__(
        self, message: str, *, fault: BackupFault, broken: Sequence[str] = (), remedy: str = ""
    ) -> None:
        """Carry the kind of the fault, and the files or objects that are broken, by name."""
        super().__init__(message, remedy=remedy)
        self.fault = fault
        self.broken = tuple(broken)


class SignatureError(OrchestratorError):
    """A signed report is not as this site signed it."""


class EngineError(OrchestratorError):
    """A Pulumi program asks for what the engine cannot do, or an engine is absent."""


class LabError(OrchestratorError):
    """The lab does not start or is broken."""


class StalePlanError(OrchestratorError):
    """Site, state or cloud moved since the plan was made."""

    exit_code = 3


class SiteLockedError(OrchestratorError):
    """Somebody else is working on the site."""

    exit_code = 4


class RefusedError(OrchestratorError):
    """A guard, or a person, said no."""

    exit_code = 5


class InterruptedRunError(OrchestratorError):
    """Stopped by Ctrl-C or SIGTERM; what was done is recorded."""

    exit_code = 130
