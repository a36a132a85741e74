"""What the lab asks of the machine that it runs on, as root: commands, a free prefix, a turn."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from orchestrator.errors import LabError

SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"
"""Where root's programs are, whatever the caller's PATH."""

RUNTIME = Path("/run/orchestrator-lab")
"""What all labs of the machine share; gone after its restart."""

COMMAND_SECONDS = 60


def lacking(programs: Mapping[str, str]) -> list[str]:
    """Return what is missing to use programs as root, each by its name and Debian package."""
    missing = [] if os.geteuid() == 0 else ["root"]
    return missing + [
        f"{program} (package {package})"
        for program, package in programs.items()
        if shutil.which(program, path=SEARCHED) is None
    ]


def run(*command: str, given: str = "", within: float = COMMAND_SECONDS) -> str:
    """Run a command to its end, which must come within so many seconds; return what it printed.

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
            timeout=within,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or f"{error}").strip()
        raise LabError(f"`{' '.join(command[:6])}` failed: {said}") from error
    return done.stdout


def free_subnet(pool: IPv4Network, wanted: str | None, *, link: str, start: int) -> str:
    """Return a /24 of the pool that nothing on this machine uses but `link`.

    It is the wanted one where that is free; else the search begins at number `start`.

    Raises:
        LabError: all are in use.
    """
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all") or "[]")
    taken = [
        IPv4Network(route["dst"])
        for route in routes
        if route.get("dev") != link and route["dst"] != "default"
    ]
    subnets = list(pool.subnets(new_prefix=24))
    turned = [subnets[(start + step) % len(subnets)] for step in range(len(subnets))]
    for candidate in (*([IPv4Network(wanted)] if wanted else []), *turned):
        if not any(candidate.overlaps(other) for other in taken):
            return str(candidate)
    raise LabError(f"no /24 of {pool} is free on this machine")


@contextmanager
def alone_on_the_machine(lock: str) -> Iterator[None]:
    """Keep other labs from choosing at the same time; `lock` names what is chosen."""
    RUNTIME.mkdir(mode=0o755, exist_ok=True)
    with (RUNTIME / lock).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
