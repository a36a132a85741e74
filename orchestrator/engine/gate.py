"""The door through which every act on the cloud goes: so many at a time, and none after a stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StoppedError(Exception):
    """The act was not begun, because no new one may begin."""


class Gate:
    """Counts the acts in flight, of all stacks together."""

    def __init__(self, parallel: int) -> None:
        """Take how many acts may be in flight."""
        self._slots = threading.BoundedSemaphore(parallel)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let no new act begin; those in flight go on to their end."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Say whether new acts are refused."""
        return self._stopped.is_set()

    @contextmanager
    def act(self) -> Iterator[None]:
        """Wait for a free slot and hold it. Raises StoppedError once stopped."""
        with self._slots:
            if self.stopped:
                raise StoppedError
            yield
