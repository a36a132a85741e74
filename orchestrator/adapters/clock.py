"""The machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The Clock port on the machine's own time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), tz=UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
