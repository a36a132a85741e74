"""Measure loading and checking a large site: 10,000 servers in 500 racks, 1,000 tenants.

Each measurement is a process of its own, so that its peak memory is its own, too.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.generate_site import generate

_MEASURE = """
import resource, sys, time
from datetime import date
from pathlib import Path
started = time.perf_counter()
from orchestrator.checks.run import check_site
from orchestrator.spec.load import load_site
imported = time.perf_counter()
loaded = load_site(Path(sys.argv[1]))
read = time.perf_counter()
findings = check_site(loaded.site, today=date(2026, 11, 22))
checked = time.perf_counter()
peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
cpu = time.process_time()
print(f"  import {imported - started:.2f} s, load {read - imported:.2f} s, "
      f"check {checked - read:.2f} s; CPU in all {cpu:.2f} s; peak {peak_mib:.0f} MiB; "
      f"{len(loaded.site.hardware.servers):,} servers, {len(findings)} findings")
"""


def main() -> None:
    """Print the figures; goals are 5 s and 1 GiB for the large site."""
    for racks, tenants in ((20, 40), (500, 1000)):
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), racks=racks, servers_per_rack=20, tenants=tenants)
            print(f"check: {racks} racks, {tenants:,} tenants", flush=True)  # noqa: T201 - a bench prints
            subprocess.run([sys.executable, "-c", _MEASURE, folder], check=True, timeout=300)


if __name__ == "__main__":
    main()
