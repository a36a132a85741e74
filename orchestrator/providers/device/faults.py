"""What can be wrong between us and a network device."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.errors import CloudError, SecretError


class DeviceFault(StrEnum):
    """The kinds of failure; the kind decides, never the words."""

    SILENT = "silent"
    """It does not answer, or not to its end, in time."""
    HOST_KEY = "host-key"
    """It shows another host key than at first contact: nothing was sent."""
    LOGIN = "login"
    """It refuses the login."""
    MODEL = "model"
    """Something else answers than what is declared."""
    REFUSED = "refused"
    """It refuses a part of the configuration."""
    UNSAVED = "unsaved"
    """It runs the new configuration, and would start with an old one."""
    LOCKED_OUT = "locked-out"
    """It was cut off after the change, and took that back by itself."""
    LOST = "lost"
    """It was cut off and did not come back in time."""


class DeviceError(CloudError):
    """A network device did not do what was asked; the message names it."""

    def __init__(self, name: str, fault: DeviceFault, message: str, *, remedy: str = "") -> None:
        """Keep the kind beside the words."""
        super().__init__(f"{name}: {message}", remedy=remedy)
        self.name = name
        self.fault = fault
        self.reason = message


def fault_text(error: DeviceError | SecretError) -> str:
    """Return why a device could not be asked, the kind of failure first."""
    if isinstance(error, DeviceError):
        return f"{error.fault}: {error.reason}"
    return f"no secret: {error.message}. {error.remedy}"
