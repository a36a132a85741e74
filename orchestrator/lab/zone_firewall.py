"""A zone firewall to try: a network namespace with the compiled ruleset, and a host for each end.

Each host is a namespace with one cable (veth) to the firewall. Needs root, `ip` and `nft`; VLANs
and VRFs are not used. Nothing of it outlives the `with` block, whatever happens in there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from orchestrator.compile.nftables import TABLE
from orchestrator.errors import LabError
from orchestrator.lab.network.commands import NAMESPACES, missing_namespaces
from orchestrator.lab.network.probing import arrived
from orchestrator.lab.this_machine import run
from orchestrator.model.site import Site
from orchestrator.verify.intent import shown
from orchestrator.verify.judge import Judge, Verdict
from orchestrator.verify.nft_json import read_loaded
from orchestrator.verify.probes import Probe, ProbeHost, judged, probe_hosts, probes

PREFIX = "orch-zones"
GATEWAYS = {4: "169.254.0.1", 6: "fe80::1"}


def missing() -> str:
    """Return what this machine lacks to try packets; empty where it has everything."""
    if os.geteuid() != 0:
        return "this is not root"
    lacking = [program for program in ("ip", "nft") if shutil.which(program) is None]
    if lacking:
        return f"`{lacking[0]}` is not installed"
    return next(iter(missing_namespaces(f"{PREFIX}-trial")), "")


def try_packets(site: Site, region: str, *, ruleset: str, today: date) -> tuple[Verdict, Verdict]:
    """Return two verdicts: on the ruleset as the kernel holds it, and on packets through it.

    Raises:
        LabError: this machine cannot do it, or refused a part.
    """
    hosts = probe_hosts(site, region, today=today)
    everything, wanted = probes(site, region, hosts=hosts, today=today)
    with running_firewall(ruleset, hosts) as firewall:
        loaded = firewall.ruleset()
        answered = firewall.arrived(everything)
    judge = Judge(site, today=today)
    return (
        judge.loaded_firewall(region, lambda: read_loaded(loaded, TABLE)),
        judged(region, everything, wanted=wanted, arrived=answered),
    )


class ZoneFirewall:
    """A running firewall with its hosts."""

    def __init__(self, name: str) -> None:
        """Keep the name that all its namespaces begin with."""
        self._name = name

    def ruleset(self) -> dict[str, Any]:
        """Return the loaded ruleset as the kernel gives it back."""
        said = run("ip", "netns", "exec", f"{self._name}-fw", "nft", "--json", "list", "ruleset")
        found = json.loads(said)
        return dict(found)

    def arrived(self, probes: Sequence[Probe]) -> set[Probe]:
        """Return the probes that were answered; a refusal is an answer: the packet came through."""
        return arrived(probes, self._host)

    def _host(self, host: ProbeHost) -> str:
        return f"{self._name}-{host.number}"


@contextmanager
def running_firewall(ruleset: str, hosts: Sequence[ProbeHost]) -> Iterator[ZoneFirewall]:
    """Start a firewall with hosts around it, and take all of it down in the end.

    Raises:
        LabError: this machine cannot do it, or refused a part.
    """
    lacking = missing()
    if lacking:
        raise LabError(f"packets cannot be tried: {lacking}")
    _delete_left_over()
    name = f"{PREFIX}-{os.getpid()}"
    namespaces = [f"{name}-fw", *(f"{name}-{host.number}" for host in hosts)]
    try:
        run("ip", "-batch", "-", given="".join(f"netns add {each}\n" for each in namespaces))
        run("ip", "-batch", "-", given="".join(_cables(name, hosts)))
        for version in (4, 6):
            switch = f"/proc/sys/net/ipv{version}/conf/all/forwarding"
            run("ip", "netns", "exec", namespaces[0], "sh", "-c", f"echo 1 > {switch}")
            for host in hosts:
                _address(name, host, version)
        run("ip", "netns", "exec", namespaces[0], "nft", "--file", "-", given=ruleset)
        yield ZoneFirewall(name)
    finally:
        for each in namespaces:
            if (NAMESPACES / each).exists():
                run("ip", "netns", "delete", each)


def _delete_left_over() -> None:
    """Delete the namespaces of runs that were killed: their names end with a dead process's id."""
    for path in NAMESPACES.glob(f"{PREFIX}-*"):
        process = path.name.removeprefix(f"{PREFIX}-").partition("-")[0]
        if not Path("/proc", process).exists():
            run("ip", "netns", "delete", path.name)


def _cables(name: str, hosts: Sequence[ProbeHost]) -> Iterator[str]:
    for host in hosts:
        there = f"{name}-{host.number}"
        yield (f"link add h{host.number} netns {name}-fw type veth peer name eth0 netns {there}\n")


def _address(name: str, host: ProbeHost, version: int) -> None:
    """Give a host its address of one version, and both sides their routes."""
    address = dict(host.addresses).get(version)
    if address is None:
        return
    gateway, cable = GATEWAYS[version], f"h{host.number}"
    own = shown(version, address)
    length, quick = (32, "") if version == 4 else (128, " nodad")
    near = 32 if version == 4 else 64
    run(
        "ip", f"-{version}", "-netns", f"{name}-fw", "-batch", "-",
        given=f"link set {cable} up\naddr add {gateway}/{near} dev {cable}{quick}\n"
        f"route add {own}/{length} dev {cable}\n",
    )  # fmt: skip
    run(
        "ip", f"-{version}", "-netns", f"{name}-{host.number}", "-batch", "-",
        given=f"link set eth0 up\naddr add {own}/{length} dev eth0{quick}\n"
        + (f"route add {gateway}/32 dev eth0\n" if version == 4 else "")
        + f"route add default via {gateway} dev eth0\n",
    )  # fmt: skip
