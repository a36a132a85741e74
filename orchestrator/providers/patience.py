"""How long to go on trying, and how long to wait between two tries."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

_DICE = random.SystemRandom()


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """The rule for one request: at most `total_seconds` between its first and its last try."""

    total_seconds: float = 60.0
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 8.0


@dataclass(kw_only=True, slots=True)
class Patience:
    """The time that one request has left, and the next pause: doubled each time, with jitter."""

    retry: Retry
    since: float = field(default_factory=time.monotonic)
    tries: int = 0

    def wait(self, retry_after: float | None) -> bool:
        """Sleep before the next try, or return False at once where it would come too late.

        What the service asks for (`retry_after`, seconds) is a lower bound of the pause.
        """
        pause = min(
            self.retry.first_pause_seconds * 2**self.tries, self.retry.longest_pause_seconds
        )
        pause *= _DICE.uniform(0.5, 1.0)
        if retry_after is not None:
            pause = max(pause, retry_after)
        if time.monotonic() + pause > self.since + self.retry.total_seconds:
            return False
        self.tries += 1
        time.sleep(pause)
        return True


def seconds_of(retry_after: str | None) -> float | None:
    """Return a Retry-After header in seconds; it is a number or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        due = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, due.timestamp() - time.time())
