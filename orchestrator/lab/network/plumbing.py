"""Make the namespaces and cables of a lab's network, and take all of it away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.network.commands import NAMESPACES
from orchestrator.lab.network.record import NetworkRecord
from orchestrator.lab.network.spec import NetworkContents
from orchestrator.lab.network.wires import Wires
from orchestrator.lab.this_machine import run

POOL = IPv4Network("198.18.0.0/17")
"""For tests (RFC 2544): nobody is there. The lab's hosts have theirs in 198.19.0.0/16."""
END_SECONDS = 10.0

_FORWARDING = """
for family in ipv4 ipv6; do echo 1 > /proc/sys/net/$family/conf/all/forwarding; done
echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy
for scope in all default; do echo 1 > /proc/sys/net/ipv6/conf/$scope/keep_addr_on_down; done
"""
"""Two routers are used alike, each connection by one of them. Without the last line a port that
was down for a moment has lost its IPv6 addresses."""
_NO_IPV6 = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"
"""Bridges only pass frames on."""


def made(wires: Wires) -> bool:
    """Say whether all namespaces are there."""
    return all((NAMESPACES / name).exists() for name in wires.namespaces)


def make(wires: Wires, contents: NetworkContents) -> None:
    """Make all namespaces and the cables between them.

    Raises:
        LabError: a command failed.
    """
    _batch(f"netns add {name}" for name in wires.namespaces)
    run("ip", "netns", "exec", wires.bridges, "sh", "-c", _NO_IPV6)
    _batch(wires.cabling())
    _batch(wires.bridging(), inside=wires.bridges)
    for device in contents.devices:
        namespace = wires.device(device.name)
        run("ip", "netns", "exec", namespace, "sh", "-c", _FORWARDING)
        _batch(wires.inside_device(device), inside=namespace)
    for host in contents.hosts:
        _batch(wires.inside_host(host), inside=wires.host(host.region, host.zone))


def join_machine(wires: Wires, record: NetworkRecord, *, cable: str) -> None:
    """Make the way from this machine to the devices' management ports.

    They see an administrator beside them, as their rules demand: the management namespace stands
    for the machine that administers, and translates addresses both ways.
    """
    subnet = IPv4Network(record.subnet)
    inside = wires.management
    _batch(
        [
            f"link add {cable} type veth peer name up0 netns {inside}",
            f"addr add {subnet[1]}/24 dev {cable}",
            f"link set {cable} up",
        ]
    )
    _batch(
        [
            "link set lo up",
            "link set up0 up",
            f"addr add {subnet[2]}/24 dev up0",
            *(f"addr add {device.reached}/32 dev up0" for device in record.devices),
            *(
                command
                for port, address in wires.administrators
                for command in (f"addr add {address} dev {port}", f"link set {port} up")
            ),
        ],
        inside=inside,
    )
    reached = ", ".join(f"{device.reached} : {device.address}" for device in record.devices)
    rules = (
        "table ip lab {\n"
        " chain in {\n  type nat hook prerouting priority dstnat;\n"
        f"  dnat to ip daddr map {{ {reached} }}\n }}\n"
        " chain out {\n  type nat hook postrouting priority srcnat;\n"
        '  oifname "m*" masquerade\n }\n}\n'
    )
    run("ip", "netns", "exec", inside, "nft", "-f", "-", given=rules)
    run("ip", "netns", "exec", inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def take_down(prefix: str, *, cable: str) -> int:
    """End what runs in a lab's namespaces and delete them; return how many there were.

    Raises:
        LabError: a process does not end.
    """
    names = [path.name for path in NAMESPACES.glob(f"{prefix}*")] if NAMESPACES.is_dir() else []
    if not names:
        return 0
    end_processes(names)
    _batch(f"netns delete {name}" for name in names)
    if Path("/sys/class/net", cable).exists():
        # Its other end goes with the namespace, but the kernel takes its time.
        run("ip", "link", "delete", cable)
    return len(names)


def processes(namespace: str) -> list[int]:
    """Return the processes that run in a namespace."""
    return [pid for pid, _ in _running([namespace])]


def end_processes(namespaces: Collection[str]) -> None:
    """Kill what runs in some namespaces, and wait until it is gone.

    Raises:
        LabError: something does not end.
    """
    deadline = time.monotonic() + END_SECONDS
    while found := list(_running(namespaces)):
        for pid, inode in found:
            _kill(pid, inode)
        if time.monotonic() > deadline:
            raise LabError(f"these processes do not end: {', '.join(str(p) for p, _ in found)}")
        time.sleep(0.02)


def lead(commands: Iterable[tuple[str, str]]) -> None:
    """Run `ip` commands, each in the namespace that stands before it."""
    by_namespace: dict[str, list[str]] = {}
    for namespace, command in commands:
        by_namespace.setdefault(namespace, []).append(command)
    for namespace, inside in by_namespace.items():
        _batch(inside, inside=namespace)


def _batch(commands: Iterable[str], *, inside: str = "") -> None:
    where = ("-netns", inside) if inside else ()
    run("ip", *where, "-batch", "-", given="".join(f"{command}\n" for command in commands))


def _running(namespaces: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the processes in some namespaces, each with its namespace's number."""
    wanted = {path.stat().st_ino for name in namespaces if (path := NAMESPACES / name).exists()}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (inode := _namespace_of(folder)) in wanted:
            yield int(folder.name), inode


def _namespace_of(process: Path) -> int:
    try:
        return (process / "ns/net").stat().st_ino
    except OSError:
        return 0  # it has just ended


def _kill(pid: int, inode: int) -> None:
    """Kill one process, if it is still the one that was seen."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _namespace_of(Path("/proc", str(pid))) == inode:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
