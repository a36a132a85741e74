"""A zone firewall to try: a network namespace with the compiled ruleset, and a host for each end.

Each host is a namespace with one cable (veth) to the firewall. Needs root, `ip` and `nft`; VLANs
and VRFs are not used. Nothing of it outlives the `with` block, whatever happens in there.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from orchestrator.compile.nftables import TABLE
from orchestrator.errors import LabError
from orchestrator.model.site import Site
from orchestrator.verify.intent import shown
from orchestrator.verify.judge import Judge, Verdict
from orchestrator.verify.nft_json import read_loaded
from orchestrator.verify.probes import Probe, ProbeHost, judged, probe_hosts, probes

NAMESPACES = Path("/run/netns")
PREFIX = "orch-zones"
GATEWAYS = {4: "169.254.0.1", 6: "fe80::1"}
COMMAND_SECONDS = 60
ANSWER_SECONDS = 0.8
"""A namespace next door answers within milliseconds; what is refused stays silent."""
PROBES_AT_A_TIME = 400
_CLONE_NEWNET = 0x40000000


def missing() -> str:
    """Return what this machine lacks to try packets; empty where it has everything."""
    if os.geteuid() != 0:
        return "this is not root"
    lacking = [program for program in ("ip", "nft") if shutil.which(program) is None]
    if lacking:
        return f"`{lacking[0]}` is not installed"
    try:
        trial = f"{PREFIX}-{os.getpid()}-trial"
        _run("ip", "netns", "add", trial)
        _run("ip", "netns", "delete", trial)
    except LabError as error:
        return f"this machine makes no network namespace ({error.message})"
    return ""


def try_packets(site: Site, region: str, *, ruleset: str, today: date) -> tuple[Verdict, Verdict]:
    """Return two verdicts: on the ruleset as the kernel holds it, and on packets through it.

    Raises:
        LabError: this machine cannot do it, or refused a part.
    """
    hosts = probe_hosts(site, region, today=today)
    everything, wanted = probes(site, region, hosts=hosts, today=today)
    with running_firewall(ruleset, hosts) as firewall:
        loaded = firewall.ruleset()
        arrived = firewall.arrived(everything)
    judge = Judge(site, today=today)
    return (
        judge.loaded_firewall(region, lambda: read_loaded(loaded, TABLE)),
        judged(region, everything, wanted=wanted, arrived=arrived),
    )


class ZoneFirewall:
    """A running firewall with its hosts."""

    def __init__(self, name: str) -> None:
        """Keep the name that all its namespaces begin with."""
        self._name = name

    def ruleset(self) -> dict[str, Any]:
        """Return the loaded ruleset as the kernel gives it back."""
        said = _run("ip", "netns", "exec", f"{self._name}-fw", "nft", "--json", "list", "ruleset")
        found = json.loads(said)
        return dict(found)

    def arrived(self, probes: Sequence[Probe]) -> set[Probe]:
        """Return the probes that were answered; a refusal is an answer: the packet came through."""
        found: set[Probe] = set()
        for start in range(0, len(probes), PROBES_AT_A_TIME):
            found |= self._answered(probes[start : start + PROBES_AT_A_TIME])
        return found

    def _answered(self, probes: Sequence[Probe]) -> set[Probe]:
        found: set[Probe] = set()
        with selectors.DefaultSelector() as waiting:
            try:
                for probe in probes:
                    with _inside(self._host(probe.source)):
                        caller = _call(probe)
                    waiting.register(caller, selectors.EVENT_WRITE, probe)
                until = time.monotonic() + ANSWER_SECONDS
                while (left := until - time.monotonic()) > 0:
                    for key, _ in waiting.select(left):
                        if _came_through(key.fileobj):
                            found.add(key.data)
                        waiting.unregister(key.fileobj)
                        _close(key.fileobj)
            finally:
                for key in list(waiting.get_map().values()):
                    _close(key.fileobj)
        return found

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
        _run("ip", "-batch", "-", given="".join(f"netns add {each}\n" for each in namespaces))
        _run("ip", "-batch", "-", given="".join(_cables(name, hosts)))
        for version in (4, 6):
            switch = f"/proc/sys/net/ipv{version}/conf/all/forwarding"
            _run("ip", "netns", "exec", namespaces[0], "sh", "-c", f"echo 1 > {switch}")
            for host in hosts:
                _address(name, host, version)
        _run("ip", "netns", "exec", namespaces[0], "nft", "--file", "-", given=ruleset)
        yield ZoneFirewall(name)
    finally:
        for each in namespaces:
            if (NAMESPACES / each).exists():
                _run("ip", "netns", "delete", each)


def _delete_left_over() -> None:
    """Delete the namespaces of runs that were killed: their names end with a dead process's id."""
    for path in NAMESPACES.glob(f"{PREFIX}-*"):
        process = path.name.removeprefix(f"{PREFIX}-").partition("-")[0]
        if not Path("/proc", process).exists():
            _run("ip", "netns", "delete", path.name)


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
    _run(
        "ip", f"-{version}", "-netns", f"{name}-fw", "-batch", "-",
        given=f"link set {cable} up\naddr add {gateway}/{near} dev {cable}{quick}\n"
        f"route add {own}/{length} dev {cable}\n",
    )  # fmt: skip
    _run(
        "ip", f"-{version}", "-netns", f"{name}-{host.number}", "-batch", "-",
        given=f"link set eth0 up\naddr add {own}/{length} dev eth0{quick}\n"
        + (f"route add {gateway}/32 dev eth0\n" if version == 4 else "")
        + f"route add default via {gateway} dev eth0\n",
    )  # fmt: skip


def _run(*command: str, given: str = "") -> str:
    """Run a command to its end and return what it printed.

    Raises:
        LabError: it failed, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs; names are made here from numbers
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", "") or error
        raise LabError(f"`{' '.join(command[:6])}` failed: {said}") from error
    return done.stdout


@contextmanager
def _inside(namespace: str) -> Iterator[None]:
    """Make this thread's new sockets belong to a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as home, (NAMESPACES / namespace).open() as there:
        _enter(libc, there.fileno())
        try:
            yield
        finally:
            _enter(libc, home.fileno())


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise LabError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def _call(probe: Probe) -> socket.socket:
    family = socket.AF_INET if probe.version == 4 else socket.AF_INET6
    caller = socket.socket(family, socket.SOCK_STREAM)
    caller.setblocking(False)
    begun = caller.connect_ex((probe.target, probe.port))
    if begun not in (0, errno.EINPROGRESS):
        caller.close()
        raise LabError(f"cannot call {probe.target}: {os.strerror(begun)}")
    return caller


def _came_through(caller: Any) -> bool:  # noqa: ANN401 - what a selector hands back
    """Say whether the other host answered: nobody listens there, so it refuses."""
    code = caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return code in (0, errno.ECONNREFUSED)


def _close(caller: Any) -> None:  # noqa: ANN401 - what a selector hands back
    caller.close()
