"""Commands of root's that the lab's network is made with, and what of them is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import LabError

NAMESPACES = Path("/run/netns")
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"
"""Where root's programs are, whatever the caller's PATH."""
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
COMMAND_SECONDS = 60


def missing_for_network() -> list[str]:
    """Return what this machine lacks, each by its name; empty where devices can run."""
    lacking = [] if os.geteuid() == 0 else ["root"]
    lacking += [
        f"{program} (package {package})"
        for program, package in PROGRAMS.items()
        if shutil.which(program, path=SEARCHED) is None
    ]
    return lacking or missing_namespaces("orch-trial")


def missing_namespaces(prefix: str) -> list[str]:
    """Return why this machine makes no network namespace; empty where it does."""
    trial = f"{prefix}-{os.getpid()}"
    try:
        run("ip", "netns", "add", trial)
        run("ip", "netns", "delete", trial)
    except LabError as error:
        return [f"network namespaces ({error.message})"]
    return []


def run(*command: str, given: str = "") -> str:
    """Run a command to its end and return what it printed.

    Raises:
        LabError: it failed, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs; names are made by the lab
            command,
            input=given,
            env={"PATH": SEARCHED, "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", "") or error
        raise LabError(f"`{' '.join(command[:6])}` failed: {said}") from error
    return done.stdout
