"""The doors through which every act on the cloud goes: so many at a time, and none after a stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.model.site import Layer


class StoppedError(Exception):
    """The act was not begun, because no new one may begin."""


class Door:
    """Lets so many acts through at a time."""

    def __init__(self, parallel: int, stopped: threading.Event) -> None:
        """Take how many acts may be in flight, and what says that no new one may begin."""
        self._slots = threading.BoundedSemaphore(parallel)
        self._stopped = stopped

    @contextmanager
    def act(self) -> Iterator[None]:
        """Wait for a free slot and hold it. Raises StoppedError once stopped."""
        with self._slots:
            if self._stopped.is_set():
                raise StoppedError
            yield


PATIENT = {Layer.NETWORK: 4, Layer.HARDWARE: 4}
"""Acts that are mostly waiting are let in several times as many: a switch takes seconds to answer
each line, a server a minute to enrol. The provider has its own bound on requests in flight."""


class Gate:
    """One door for the stacks of each layer, so that slow acts do not keep quick ones out."""

    def __init__(self, parallel: int) -> None:
        """Take how many acts of one layer may be in flight."""
        self._stopped = threading.Event()
        self._parallel = parallel
        self._doors = {layer: Door(self.width(layer), self._stopped) for layer in Layer}

    def width(self, layer: Layer) -> int:
        """Return how many acts of a layer may be in flight."""
        return self._parallel * PATIENT.get(layer, 1)

    def of(self, layer: Layer) -> Door:
        """Return the door of a layer."""
        return self._doors[layer]

    def stop(self) -> None:
        """Let no new act begin; those in flight go on to their end."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Say whether new acts are refused."""
        return self._stopped.is_set()
