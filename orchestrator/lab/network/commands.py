"""What this machine must have before it can run the lab's network, and what of it is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.this_machine import lacking, run

NAMESPACES = Path("/run/netns")
PROGRAMS: Mapping[str, str] = {
    "ip": "iproute2",
    "nft": "nftables",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "zebra": "frr",
    "bgpd": "frr",
    "vtysh": "frr",
    "unshare": "util-linux",
}
"""Programs, and the Debian packages that hold them."""


def missing_for_network() -> list[str]:
    """Return what this machine lacks, each by its name; empty where devices can run."""
    return lacking(PROGRAMS) or missing_namespaces("orch-trial")


def missing_namespaces(prefix: str) -> list[str]:
    """Return why this machine makes no network namespace; empty where it does."""
    trial = f"{prefix}-{os.getpid()}"
    try:
        run("ip", "netns", "add", trial)
        run("ip", "netns", "delete", trial)
    except LabError as error:
        return [f"network namespaces ({error.message})"]
    return []
