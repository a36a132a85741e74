"""Python's cyclic garbage collector, kept from costing as much as the run itself.

Thousands of live futures make every collection long, and little of the garbage is in cycles.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_RARE = (100_000, 50, 50)


class RareCollections:
    """Lets the collector run rarely while any run is under way; safe for many threads."""

    def __init__(self) -> None:
        """Remember how the collector is set now."""
        self._usual = gc.get_threshold()
        self._runs = 0
        self._lock = threading.Lock()

    @contextmanager
    def during(self) -> Iterator[None]:
        """Collect rarely inside; what exists already is not looked at again."""
        with self._lock:
            self._runs += 1
            if self._runs == 1:
                gc.freeze()
                gc.set_threshold(*_RARE)
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                if self._runs == 0:
                    gc.set_threshold(*self._usual)
                    gc.unfreeze()
