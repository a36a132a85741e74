"""Measure compiling and verifying a large network: 40 zones, 2,000 flows, both IP families."""

from __future__ import annotations

import sys
import time
from datetime import date
from ipaddress import IPv4Network, IPv6Network

from orchestrator.compile.targets import compile_network
from orchestrator.model.network import (
    Device,
    DeviceRole,
    Flow,
    NetworkLayer,
    Platform,
    Prefix,
    PrefixRole,
    Protocol,
    Vlan,
    Zone,
)
from orchestrator.model.room import MachineRoom, Rack, RoomLayer
from orchestrator.model.site import Region, RegionKind, Site, SiteIdentity
from orchestrator.model.units import Text
from orchestrator.workflows.network import verify_network

ZONES, FLOWS = 40, 2000
TODAY = date(2026, 11, 22)
GOAL_SECONDS = 10
LABEL = Text(zh="名", en="name")


def large_site() -> Site:
    """Return a site of one region with the zones and flows, and a switch of each vendor."""
    zones = tuple(Zone(name=f"z{n}", display=LABEL, purpose="bench") for n in range(ZONES))
    prefixes = [
        Prefix(prefix=prefix, region="city", zone=f"z{n}", role=PrefixRole.SERVICE, vlan=f"v{n}")
        for n in range(ZONES)
        for prefix in (
            IPv4Network((int(IPv4Network("10.0.0.0/8")[0]) + (n << 16), 16)),
            IPv6Network((int(IPv6Network("2001:db8::/32")[0]) + (n << 80), 48)),
        )
    ]
    vlans = tuple(
        Vlan(name=f"v{n}", region="city", vlan_id=100 + n, zone=f"z{n}") for n in range(ZONES)
    )
    devices = tuple(
        Device(
            name=f"spine-{vendor.lower()}", rack="r1", unit=1, role=DeviceRole.SPINE,
            vendor=vendor, model="m", ports=32, serial=vendor, address=IPv4Network("10.0.0.9")[0],
        )
        for vendor in ("Huawei", "H3C")
    )  # fmt: skip
    room = MachineRoom(
        name="hall", region="city", display=LABEL, grade="A", area_m2=60, clear_height_m=3.0,
        floor_load_kn_m2=10,
    )  # fmt: skip
    rack = Rack(
        name="r1", room="hall", row="a", position=1, max_watts=6000, max_weight_kg=800, feeds=()
    )
    return Site(
        identity=SiteIdentity(name="large", display=LABEL, cloud="large"),
        regions=(Region(name="city", kind=RegionKind.CITY, display=LABEL),),
        room=RoomLayer(rooms=(room,), racks=(rack,)),
        network=NetworkLayer(
            zones=zones,
            vlans=vlans,
            prefixes=tuple(prefixes),
            devices=devices,
            flows=tuple(_flow(number) for number in range(FLOWS)),
        ),
    )


def _flow(number: int) -> Flow:
    """Spread the flows over all ordered pairs of zones; one in forty is the internet's."""
    start, step = number % ZONES, 1 + number // ZONES % (ZONES - 1)
    return Flow(
        name=f"flow-{number}",
        from_="internet" if start == 0 else f"zone/z{start}",
        to=f"zone/z{(start + step) % ZONES}",
        protocol=Protocol.UDP if number % 5 == 0 else Protocol.TCP,
        ports=(1000 + number, 8443),
        purpose="bench",
        owner="platform",
        ticket="T",
        expires=date(2027, 6, 30),
    )


def main() -> int:
    """Print the figures; the goal is 10 s for all targets together."""
    site = large_site()
    started = time.perf_counter()
    compiled = tuple(compile_network(site, today=TODAY))
    written = time.perf_counter()
    verdicts = verify_network(site, today=TODAY, compiled=compiled)
    verified = time.perf_counter()
    lines = sum(one.text.count("\n") for one in compiled)
    kinds = ", ".join(sorted({one.kind.value for one in compiled} - {Platform.FRR.value}))
    agreed = all(verdict.agrees for verdict in verdicts)
    openings = sum(verdict.compared for verdict in verdicts)
    sys.stdout.write(
        f"  {ZONES} zones, {FLOWS:,} flows: compile {written - started:.2f} s "
        f"({kinds}: {lines:,} lines), verify {verified - written:.2f} s "
        f"({openings:,} openings compared); goal {GOAL_SECONDS} s; "
        f"{'all agree' if agreed else 'THEY DIFFER'}\n"
    )
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
