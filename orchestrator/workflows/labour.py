"""Works in threads that an interrupted run can leave behind."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

GRACE_SECONDS = 10.0
"""Whoever interrupts a run does not wait for a host that copies for hours."""


def do_all(
    works: Sequence[Callable[[], None]],
    *,
    at_once: int,
    stop: Callable[[], None],
    grace: float = GRACE_SECONDS,
) -> None:
    """Do works, some at once, and wait for all of them; what one raises is raised here.

    Interrupted, or after a fault, no further work begins and `stop` is called. Those under way have
    `grace` seconds, and are then left behind: the process ends without them.
    """
    waiting = deque(works)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    threads = [
        Thread(target=_labour, args=(waiting, ended), daemon=True)
        for _ in range(min(at_once, len(works)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            fault = ended.get()
            if fault is not None:
                raise fault
    except BaseException:
        waiting.clear()
        stop()
        limit = time.monotonic() + grace
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))
        raise


def _labour(waiting: deque[Callable[[], None]], ended: SimpleQueue[BaseException | None]) -> None:
    """Do what is waiting, and say how it ended."""
    try:
        while waiting:
            _next(waiting)()
    except BaseException as error:  # noqa: BLE001 - it is raised again, in the waiting thread
        ended.put(error)
    else:
        ended.put(None)


def _next(waiting: deque[Callable[[], None]]) -> Callable[[], None]:
    try:
        return waiting.popleft()
    except IndexError:
        return lambda: None  # another thread took the last one
