"""A note of a push on its way, for devices that cannot be asked whether one is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import StateError


@dataclass(frozen=True, slots=True)
class PendingNote:
    """Until when a device may still go back by itself; it outlives a run that is killed."""

    folder: Path
    address: str

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.address}.pending"

    def write(self, seconds: float) -> None:
        """Note that the device goes back in so many seconds, unless confirmed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file.write_text(f"{time.time() + seconds:.0f}\n", encoding="ascii")
        except OSError as error:
            raise StateError(f"cannot write {self._file}: {error.strerror}") from error

    def clear(self) -> None:
        """Forget it: the push has ended."""
        self._file.unlink(missing_ok=True)

    def seconds_left(self, *, at_most: float) -> float:
        """Return how long a device may still be about to go back; a moved clock costs no more."""
        try:
            until = float(self._file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0.0
        except (OSError, ValueError) as error:
            raise StateError(
                f"cannot read {self._file}: {error}", remedy="It holds a time: delete the file."
            ) from error
        return min(max(0.0, until - time.time()), at_most)
