"""The hosts' network: a bridge with a /24 of its own, and the way out by masquerading.

The prefixes are of 198.18.0.0/15, which is set aside for tests (RFC 2544): nobody is there. What is
changed on the machine is put back by the last lab that goes; /run/orchestrator-lab remembers it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from pathlib import Path

from orchestrator.lab.this_machine import RUNTIME, alone_on_the_machine, free_subnet, run

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
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
        _forward_for(bridge)
    return chosen


def take_down_network(directory: Path) -> None:
    """Remove what `bring_up_network` made; the last lab puts the machine's forwarding back."""
    bridge = bridge_name(directory)
    if not RUNTIME.exists():
        return
    with alone_on_the_machine(LOCK):
        # Declared first: deleting a table that is not there is an error.
        _run("nft", "-f", "-", given=f"table ip {bridge} {{}}\ndelete table ip {bridge}\n")
        _run("ip", "link", "delete", bridge, unless=not _exists(bridge))
        _stop_forwarding_for(bridge)


def network_is_up(directory: Path) -> bool:
    """Say whether anything of the lab's network is there, or of what it changed."""
    bridge = bridge_name(directory)
    return _exists(bridge) or bridge in _forwarding_record()[1]


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


def _forward_for(bridge: str) -> None:
    before, users = _forwarding_record()
    _write_forwarding_record(before, users | {bridge})
    FORWARDING.write_text("1")


def _stop_forwarding_for(bridge: str) -> None:
    before, users = _forwarding_record()
    if bridge not in users:
        return
    # A lab that is gone without a word, as after a restart of the machine, uses nothing.
    left = {name for name in users - {bridge} if _exists(name)}
    if left:
        _write_forwarding_record(before, left)
        return
    FORWARDING.write_text(before)
    _record_file().unlink(missing_ok=True)


def _forwarding_record() -> tuple[str, set[str]]:
    """Return what the machine had before the first lab, and the labs that use forwarding."""
    try:
        raw = json.loads(_record_file().read_text())
    except (FileNotFoundError, ValueError):
        return FORWARDING.read_text().strip(), set()
    return raw["before"], set(raw["users"])


def _write_forwarding_record(before: str, users: set[str]) -> None:
    draft = _record_file().with_suffix(".draft")
    draft.write_text(json.dumps({"before": before, "users": sorted(users)}))
    draft.replace(_record_file())


def _record_file() -> Path:
    return RUNTIME / "forwarding.json"


def _exists(link: str) -> bool:
    return Path("/sys/class/net", link).exists()


def _digest(directory: Path) -> str:
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()


def _run(*command: str, given: str = "", unless: bool = False) -> str:
    return "" if unless else run(*command, given=given, within=COMMAND_SECONDS)
