"""Ctrl-C and SIGTERM: while the cloud is changed, the first one finishes what is in flight."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.cli.exit_codes import ExitCode

SIGNALS = (signal.SIGINT, signal.SIGTERM)


SOFTLY = (
    "Stopping: what is in flight is finished and recorded. Once more to stop at once; "
    "the next apply then looks up what was in flight."
)


class Interrupts:
    """Decides what an interrupt means: now, or after the operations in flight."""

    def __init__(
        self, stop: Callable[[], None], say: Callable[[str], None], *, softly: str = SOFTLY
    ) -> None:
        """Interrupt at once until `soften` is called; `softly` is then said at the first."""
        self._softly = softly
        self._stop = stop
        self._say = say
        self._soft = False
        self._asked = False

    def soften(self) -> None:
        """From now on the first interrupt only asks the work to stop."""
        self._soft = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take one signal."""
        if self._asked:
            # Threads that wait for the cloud would keep an ordinary exit waiting as well. The
            # journal has what was in flight: this is no worse than kill -9.
            self._say("Stopped at once.")
            os._exit(ExitCode.INTERRUPTED)
        if not self._soft:
            raise KeyboardInterrupt
        self._asked = True
        self._say(self._softly)
        self._stop()


@contextmanager
def catching(
    stop: Callable[[], None], say: Callable[[str], None], *, softly: str = SOFTLY
) -> Iterator[Interrupts]:
    """Handle signals while the work lasts, and give them back afterwards."""
    interrupts = Interrupts(stop, say, softly=softly)
    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # only the main thread may install handlers
        return
    before = {number: signal.signal(number, interrupts) for number in SIGNALS}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
