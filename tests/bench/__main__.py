"""Run every bench, one after the other, each in a process of its own: `make bench`.

It prints figures and judges none; it fails only where a bench crashes.
"""

from __future__ import annotations

import subprocess
import sys

SECTIONS = {
    "tests.bench.cli": "The command line before it does anything",
    "tests.bench.rooms": "Losing each piece of power and cooling of a large site, and placing",
    "tests.bench.check": "Loading and checking a large site",
    "tests.bench.network": "Compiling and verifying a large network",
    "tests.engine.bench_engine": "The embedded engine, with a provider that costs nothing",
    "tests.bench.plan": "A plan with nothing to do, on the reference city",
    "tests.bench.sweep": "A sweep of 376 BMCs that take 100 ms for each answer",
    "tests.bench.snmp": "The reference city's PDUs, UPSs and sensors over SNMP",
    "tests.bench.push": "Pushing to 50 switches that take 100 ms for each answer",
    "tests.bench.playbooks": "A playbook on 100 hosts, and plain ansible-playbook",
    "tests.bench.maintenance": "A client of a database whose hosts are all rebooted (root)",
    "tests.bench.databases": "Counting a dump of MariaDB as it passes",
    "tests.bench.apply": "An apply, and a bare client that makes the same things",
}
SECTION_SECONDS = 1800
CLEANING_SECONDS = 600
"""How long a bench that is told to stop may take to delete what it made."""


def main() -> int:
    """Run the sections; return 1 where one crashed."""
    crashed = [module for module, heading in SECTIONS.items() if not _run(module, heading)]
    for module in crashed:
        sys.stdout.write(f"\n{module} crashed: see above.\n")
    return 1 if crashed else 0


def _run(module: str, heading: str) -> bool:
    sys.stdout.write(f"\n== {heading} ({module})\n")
    sys.stdout.flush()
    with subprocess.Popen([sys.executable, "-m", module]) as process:
        try:
            return process.wait(timeout=SECTION_SECONDS) == 0
        except subprocess.TimeoutExpired:
            sys.stdout.write(f"stopped after {SECTION_SECONDS} s\n")
            process.terminate()
            return False
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a bench that is told to stop clean up. A terminal interrupts it along with us."""
    try:
        process.wait(timeout=CLEANING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
