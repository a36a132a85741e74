"""The hosts' network: a bridge with a /24 of its own, and the way out by masquerading.

The prefixes are of 198.18.0.0/15, which is set aside for tests (RFC 2544): nobody is there. What is
changed on the machine is put back by the last lab that goes; /run/orchestrator-lab remembers it.
"""

from __future__ import annotations

import hashlib
import ipaddress
from pathlib import Path

from orchestrator.lab.hosts.kernel_settings import (
    put_back_settings,
    raise_settings,
    uses_settings,
)
from orchestrator.lab.this_machine import RUNTIME, alone_on_the_machine, free_subnet, run

POOL = ipaddress.IPv4Network("198.19.0.0/16")
COMMAND_SECONDS = 30
LOCK = ".lock"


def bridge_name(directory: Path) -> str:
    """Return the name of a lab's bridge, which no other lab on the machine has."""
    return f"ol{_digest(directory)[:8]}"


def socket_path(directory: Path) -> Path:
    """Return where a lab's supervisor listens; a socket's path must be short."""
    return RUNTIME / f"{bridge_name(directory)}.sock"


def bring_up_network(directory: Path, prefix: str | None) -> str:
    """Make the lab's bridge and its way out; return its prefix, which is `prefix` where it is free.

    Raises:
        LabError: a command failed, or no prefix is free.
    """
    bridge = bridge_name(directory)
    with alone_on_the_machine(LOCK):
        start = int(_digest(directory)[:4], 16)
        chosen = free_subnet(POOL, prefix, link=bridge, start=start)
        gateway = ipaddress.IPv4Network(chosen)[1]
        _run("ip", "link", "add", "name", bridge, "type", "bridge", unless=_exists(bridge))
        _run("ip", "addr", "flush", "dev", bridge)
        _run("ip", "addr", "add", f"{gateway}/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        _run("nft", "-f", "-", given=_masquerade(bridge, chosen))
        raise_settings(bridge)
    return chosen


def take_down_network(directory: Path) -> None:
    """Remove what `bring_up_network` made; the last lab puts the machine's settings back."""
    bridge = bridge_name(directory)
    if not RUNTIME.exists():
        return
    with alone_on_the_machine(LOCK):
        # Declared first: deleting a table that is not there is an error.
        _run("nft", "-f", "-", given=f"table ip {bridge} {{}}\ndelete table ip {bridge}\n")
        _run("ip", "link", "delete", bridge, unless=not _exists(bridge))
        put_back_settings(bridge, alive=_links())


def network_is_up(directory: Path) -> bool:
    """Say whether anything of the lab's network is there, or of what it changed."""
    bridge = bridge_name(directory)
    return _exists(bridge) or uses_settings(bridge)


def _masquerade(bridge: str, prefix: str) -> str:
    return (
        f"table ip {bridge} {{}}\n"
        f"delete table ip {bridge}\n"
        f"table ip {bridge} {{\n"
        "  chain out {\n"
        "    type nat hook postrouting priority srcnat;\n"
        f'    ip saddr {prefix} oifname != "{bridge}" masquerade\n'
        "  }\n"
        "}\n"
    )


def _exists(link: str) -> bool:
    return link in _links()


def _links() -> set[str]:
    return {link.name for link in Path("/sys/class/net").iterdir()}


def _digest(directory: Path) -> str:
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()


def _run(*command: str, given: str = "", unless: bool = False) -> str:
    return "" if unless else run(*command, given=given, within=COMMAND_SECONDS)
