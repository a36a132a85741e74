"""A /24 of this test process's own: two test runs on one machine must not meet."""

from __future__ import annotations

import fcntl
import os
from functools import cache

from orchestrator.lab.this_machine import RUNTIME

OCTETS = range(240, 251)
"""198.18.0.0/17 is the labs' own; 198.18.255.x is where tests know that nobody is."""


@cache
def own_subnet() -> str:
    """Return the first three numbers of the /24 that no other test process has."""
    RUNTIME.mkdir(mode=0o755, exist_ok=True)
    for octet in OCTETS:
        # Never closed: the kernel lets go of it when the process ends, however it ends.
        held = os.open(RUNTIME / f"test-subnet-{octet}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            continue
        return f"198.18.{octet}"
    raise AssertionError("as many test processes run as there are prefixes")
