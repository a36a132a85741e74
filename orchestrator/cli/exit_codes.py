"""What the exit code of every command means."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    STALE = 3
    LOCKED = 4
    REFUSED = 5
    PARTLY_DONE = 6
    UNPROVED = 7
    USAGE = 64
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "done, or nothing to do",
    ExitCode.FAILED: "failed: faults in the site, or nothing could be done",
    ExitCode.CHANGES: "changes are present (plan, drift with --detailed-exitcode; hardware sweep,"
    " network diff)",
    ExitCode.STALE: "the saved plan is stale: site, state or cloud moved since",
    ExitCode.LOCKED: "somebody else is working on the site",
    ExitCode.REFUSED: "refused, by a guard or a person; nothing was changed",
    ExitCode.PARTLY_DONE: "partly done; the same command goes on from there",
    ExitCode.UNPROVED: "done, and of some of it nobody knows whether it is right (restore run)",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.INTERRUPTED: "interrupted; what was done is recorded",
}

EXIT_CODES_TEXT = "Exit codes:\n" + "".join(
    f"  {code.value:<4} {meaning}\n" for code, meaning in MEANINGS.items()
)
