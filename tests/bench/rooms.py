"""Measure the single-failure sweep and placement in 500 racks with 10,000 servers."""

import tempfile
import time
from datetime import date
from pathlib import Path

from orchestrator.checks.index import SiteIndex
from orchestrator.planning.placement import Wanted
from orchestrator.spec.load import load_site
from orchestrator.workflows.room import fail, propose
from tests.generate_site import generate

TODAY = date(2026, 11, 22)


def main() -> None:
    """Print the figures; the goal of the sweep is 10 s."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), racks=500, servers_per_rack=20, tenants=0)
        site = load_site(Path(folder)).site
    index = SiteIndex(site, TODAY)
    started = time.perf_counter()
    nodes = len(index.power_graph.nodes)
    built = time.perf_counter()
    found = index.power_sweep
    swept = time.perf_counter()
    fail(index, "room-0-grid-a")
    failed = time.perf_counter()
    asked = Wanted(count=100, watts=60, units=1, weight_kg=10.0)
    placed = propose(index, asked).placement.places
    done = time.perf_counter()
    print(  # noqa: T201 - a bench prints
        f"rooms: 500 racks, {len(site.hardware.servers):,} servers, {nodes:,} pieces of power and "
        f"cooling\n"
        f"  graph {built - started:.2f} s, sweep of every single loss {swept - built:.2f} s "
        f"(goal 10 s; {len(found.overloads)} overloads), one loss {failed - swept:.3f} s, "
        f"placing {len(placed)} servers and checking them {done - failed:.2f} s"
    )


if __name__ == "__main__":
    main()
