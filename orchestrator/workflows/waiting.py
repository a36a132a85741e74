"""Wait for something to become true, and no longer than it may take."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.ports import Clock

POLL_SECONDS = 2.0


def came_true(claim: Callable[[], bool], clock: Clock, *, within: float) -> bool:
    """Ask again and again for so many seconds; say whether it became true."""
    begun = clock.now()
    while not claim():
        if (clock.now() - begun).total_seconds() > within:
            return False
        clock.sleep(POLL_SECONDS)
    return True
