"""What this machine must have before it can boot hosts, and what of it is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

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

SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where root's programs are, whatever the caller's PATH."""


def missing_for_hosts() -> list[str]:
    """Return what is missing, each by its name; empty where hosts can be booted."""
    missing = [] if os.geteuid() == 0 else ["root"]
    return missing + [
        f"{program} (package {package})"
        for program, package in PROGRAMS.items()
        if shutil.which(program, path=SEARCHED) is None
    ]
