"""A client that writes and reads while every host of a city is patched and rebooted.

Eight real hosts, far and near, of which three have six databases with one primary and two replicas
each; the client is on a ninth one. Its gaps are what the hand-overs and reboots cost a department.
Needs root.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.rolling_city import (
    BOOT_SECONDS,
    CLIENT,
    MAINTAINED,
    add_client,
    make_due,
    service_names,
)
from tests.lab.service_town import ServiceTown
from tests.lab.writing_client import WritingClient, report_lines


def main() -> None:
    """Bring the hosts up, let the client write, and maintain every one of them."""
    missing = missing_for_hosts()
    if missing:
        sys.stdout.write(f"  left out: hosts need {', '.join(missing)}\n")
        return
    with tempfile.TemporaryDirectory(prefix="maintained-") as folder:
        town = ServiceTown(Path(folder))
        add_client(town)
        try:
            town.up((*MAINTAINED, CLIENT))
            _measure(town, Path(folder))
        finally:
            town.down()


def _measure(town: ServiceTown, folder: Path) -> None:
    for host in (*MAINTAINED, CLIENT):
        town.await_host(host, within=BOOT_SECONDS)
    _run(town, "service", "apply", "--yes")
    make_due(town, MAINTAINED, folder)
    plan, hosts = str(folder / "a.plan"), f"--hosts={','.join(MAINTAINED)}"
    client = WritingClient(town, CLIENT, service_names(town))
    begun = time.monotonic()
    with client:
        _run(town, "maintenance", "plan", "--patch", "--reboot", hosts, "--out", plan)
        _run(town, "maintenance", "run", plan, "--yes", "--outside-window")
    seconds = time.monotonic() - begun
    head = f"  {len(MAINTAINED)} hosts patched and rebooted in {seconds:.0f} s:"
    sys.stdout.write("\n    ".join([head, *report_lines(client.served)]) + "\n")


def _run(town: ServiceTown, *words: str) -> None:
    done = town.run(*words, "--site", str(town.directory))
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
