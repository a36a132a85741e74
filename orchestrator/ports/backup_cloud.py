"""The backup port of what OpenStack has: it goes through this machine, and stays nowhere on it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from orchestrator.model.backup import Copy, Facts, Manifest, Restored, Subject

if TYPE_CHECKING:
    from orchestrator.ports.backup import Store


class CloudCopies(Protocol):
    """Copies images and volumes by the cloud's own interfaces, and makes them anew.

    Each call can be made again after it was cut off anywhere: what it left is found by its name
    and removed. Whatever fails is a BackupError or a CloudError.
    """

    def back_up(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        """Copy an image or a volume into one repository; `at` is what the copy counts from."""

    def taken(self, subject: Subject, name: str) -> bool:
        """Say whether there is an image or a volume of a name, where a restore would make one."""

    def restore(
        self, subject: Subject, manifest: Manifest, *, store: Store, name: str
    ) -> tuple[Restored, Facts]:
        """Make an image or a volume of a name from a copy, and count what it is.

        It has its name once its content was compared with the manifest; before, it is nobody's.
        """
