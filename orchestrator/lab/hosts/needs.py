"""What this machine must have before it can boot hosts, and what of it is missing."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.lab.this_machine import lacking

PROGRAMS: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}
"""Programs, and the Debian packages that hold them."""


def missing_for_hosts() -> list[str]:
    """Return what is missing, each by its name; empty where hosts can be booted."""
    return lacking(PROGRAMS)
