"""What a platform must be able to do to be configured by us."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from orchestrator.model.network import Platform
from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.lines import Difference, Path, compare

S = TypeVar("S")
"""What a conversation with a device is held through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What a device runs now."""

    text: str
    """As the device prints it; what backups hold."""
    lines: tuple[Path, ...]
    """The part that is ours, in normal form."""
    startup: tuple[Path, ...]
    """The same of what it would start with after a power loss."""

    @property
    def saved(self) -> bool:
        """Say whether it would start with what it runs."""
        return not compare(self.lines, self.startup)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A push: from what, to what, and how long the device waits for its confirmation."""

    id: str
    """Names its files on the device."""
    before: Running
    text: str
    wanted: tuple[Path, ...]
    adopts: bool
    """First contact: parts of the device that the site knows nothing of are left alone."""
    seconds: int
    began: float
    """On the monotonic clock."""

    @property
    def difference(self) -> Difference:
        """Return what the push adds and takes away.

        At first contact no plan has named what is extra, so only the parts that are declared, too,
        are cleaned; the rest shows as drift in the next plan.
        """
        found = compare(self.wanted, self.before.lines)
        if not self.adopts:
            return found
        ours = {path[0] for path in self.wanted}
        return Difference(found.missing, tuple(path for path in found.extra if path[0] in ours))

    def unmet(self, lines: Sequence[Path]) -> Difference:
        """Return what of the change a device with these lines does not show."""
        found = compare(self.wanted, lines)
        going = set(self.difference.extra)
        return Difference(found.missing, tuple(path for path in found.extra if path in going))


class Driver(ABC, Generic[S]):
    """One platform. `S` is its conversation; all methods raise DeviceError, naming the device."""

    platform: ClassVar[Platform]
    ordered: ClassVar[bool] = False
    """Whether the order of lines means something; else `normal` sorts them."""
    tells_pending: ClassVar[bool] = True
    """Whether a device can be asked for a push that a killed run left unconfirmed."""

    @abstractmethod
    def normal(self, text: str) -> tuple[Path, ...]:
        """Return the normal form of a configuration, declared or printed by the device."""

    def ours(self, running: Running, declared: Sequence[Path]) -> Running:
        """Return only the parts of the device that are ours, which may depend on what is declared.

        Here it is everything that `normal` returns.
        """
        return running

    @abstractmethod
    def connect(self, access: DeviceAccess, target: Target) -> AbstractContextManager[S]:
        """Open a new connection to a device that is what is declared."""

    @abstractmethod
    def settle(self, session: S) -> bool:
        """End what a killed push left armed, by going back to what was before it.

        Returns:
            whether there was anything to end.
        """

    @abstractmethod
    def read(self, session: S) -> Running:
        """Return what the device runs and what it would start with."""

    @abstractmethod
    def begin(self, session: S, change: Change) -> None:
        """Arm the way back on the device, then apply the change."""

    @abstractmethod
    def confirm(self, session: S, change: Change) -> None:
        """Keep the change: disarm the way back. What the device starts with is `save`'s."""

    @abstractmethod
    def go_back(self, session: S, change: Change) -> None:
        """Take the change back at once."""

    @abstractmethod
    def save(self, session: S, running: Running) -> None:
        """Make what runs what the device starts with."""

    def seconds(self, lines: int) -> int:
        """Return how much longer than usual the device waits for so many lines."""
        return 0
