"""How long the command line takes before it does anything: printed, not judged."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 10
SITE = Path(__file__).parents[2] / "inventory" / "yangzhou"
COMMAND_LINES = (["--help"], ["--version"], ["plan", "--help"], ["check", str(SITE)])


def main() -> None:
    for arguments in COMMAND_LINES:
        seconds = sorted(_time(arguments) for _ in range(RUNS))
        shown = " ".join(Path(word).name for word in arguments)
        sys.stdout.write(
            f"orchestrator {shown}: median {statistics.median(seconds):.2f} s, "
            f"best {seconds[0]:.2f} s, worst {seconds[-1]:.2f} s of {RUNS}\n"
        )


def _time(arguments: list[str]) -> float:
    begun = time.perf_counter()
    program = Path(sys.executable).parent / "orchestrator"
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=120)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
