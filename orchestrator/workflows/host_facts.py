"""Ask a host what maintenance has to know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.errors import HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import HostFacts, PackageChange
from orchestrator.ports import Clock
from orchestrator.ports.host import Hosts

FACTS_SECONDS = 180.0
"""The repositories are asked, too."""

BOOT_SECONDS = 10.0
BOOT = "cat /proc/sys/kernel/random/boot_id; systemctl is-system-running || true"

INST = r"^Inst (\S+) (?:\[(\S+)\] )?\((\S+) "
"""A package in what `apt-get --simulate` tells (as its manual has it): name, before, after."""

# Python through standard input: no quoting, and python3 is what playbooks need anyway. The
# repositories' lists go to a folder that is thrown away: a plan changes nothing. Kernel packages
# are called linux-image-VERSION, and so is what /boot has.
ASK = r"""
import glob, json, os, pathlib, re, shutil, subprocess, sys, tempfile, time

def words(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []

def pending(folder):
    lists = os.path.join(folder, "lists")
    shutil.copytree("/var/lib/apt/lists", lists, ignore=shutil.ignore_patterns("lock", "partial"))
    os.makedirs(os.path.join(lists, "partial"))
    own = ["-o", "Dir::State::lists=" + lists, "-o", "APT::Sandbox::User=root",
           "-o", "Acquire::http::Timeout=15", "-o", "Acquire::Retries=0",
           "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
    read = subprocess.run(["apt-get", "-q", "update", "--error-on=any", *own],
                          capture_output=True, text=True, timeout=120)
    if read.returncode:
        return " ".join((read.stderr or read.stdout).split())[-300:]
    # As the playbook upgrades: with the new packages that others need, such as each new kernel.
    told = subprocess.run(["apt-get", "-q", "--simulate", "upgrade", "--with-new-pkgs", *own],
                          capture_output=True, text=True, timeout=120,
                          env={**os.environ, "LC_ALL": "C"})
    if told.returncode:
        return " ".join((told.stderr or told.stdout).split())[-300:]
    return sorted([name, before, after]
                  for name, before, after in re.findall(INST, told.stdout, re.MULTILINE))

def newest_kernel():
    found = [os.path.basename(one)[len("vmlinuz-"):] for one in glob.glob("/boot/vmlinuz-*")]
    def order(name):
        return [int(part) if part.isdigit() else -1 for part in re.split("[^0-9]+", name)]
    return max(found, key=order, default="")

def reboot_reasons(kernel):
    reasons = []
    if os.path.exists("/run/reboot-required"):
        named = pathlib.Path("/run/reboot-required.pkgs")
        names = sorted(set(named.read_text().split())) if named.exists() else []
        reasons.append("packages ask for it" + (": " + ", ".join(names) if names else ""))
    newest = newest_kernel()
    if newest and newest != kernel:
        reasons.append("kernel " + newest + " is installed, " + kernel + " runs")
    maps = pathlib.Path("/proc/1/maps").read_text()
    if re.search(r"/lib.*\.so.* \(deleted\)", maps):
        reasons.append("systemd runs on libraries that were replaced")
    return reasons

kernel = os.uname().release
with tempfile.TemporaryDirectory() as folder:
    try:
        changes = pending(folder) if PENDING else []
    except Exception as error:
        changes = type(error).__name__ + ": " + str(error)
disk = os.statvfs("/")
states = [line.split("\t") for line in
          words("dpkg-query", "-W", "-f=${Package}\t${db:Status-Want}\t${db:Status-Status}\n")]
print(json.dumps({
    "boot_id": pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
    "kernel": kernel,
    "pending": changes,
    "held": [name for name, want, _ in states if want == "hold"],
    "unconfigured": [name for name, _, state in states
                     if state in ("half-installed", "unpacked", "half-configured",
                                  "triggers-awaited", "triggers-pending")],
    "reboot_reasons": reboot_reasons(kernel),
    "failed_units": [line.split()[0] for line in
                     words("systemctl", "list-units", "--failed", "--plain", "--no-legend")],
    "free_mib": disk.f_bavail * disk.f_frsize // 2**20,
    "time": time.time(),
}))
"""


def facts_of(server: Server, hosts: Hosts, clock: Clock, *, pending: bool = True) -> HostFacts:
    """Ask a host for its facts; what is `pending` takes a question to its repositories.

    Raises:
        HostError: it does not answer, or not in this form.
    """
    ran = hosts.run(server, "python3 -", within=FACTS_SECONDS, given=_script(pending=pending))
    now = clock.now()
    try:
        return _facts(json.loads(ran.out), now)
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(
            f"{server.name} does not say how it is: {(ran.err or ran.out)[-300:]!r}",
            fault=HostFault.FAILED,
            remedy="It needs python3.",
        ) from error


def _script(*, pending: bool) -> str:
    return f"PENDING, INST = {pending}, {INST!r}\n{ASK}"


def facts_or_unknown(
    server: Server, hosts: Hosts, clock: Clock, *, pending: bool = True
) -> HostFacts | Unknown:
    """Ask a host for its facts; a host that tells none is unknown, and why."""
    try:
        return facts_of(server, hosts, clock, pending=pending)
    except HostError as error:
        return Unknown(error.message)


def boot_of(server: Server, hosts: Hosts) -> tuple[str, bool]:
    """Return which boot a host is in, and whether that is over.

    Raises:
        HostError: it does not answer.
    """
    ran = hosts.run(server, BOOT, within=BOOT_SECONDS)
    lines = ran.out.split("\n")
    if ran.status or len(lines) < 2 or not lines[0]:
        raise HostError(
            f"{server.name} does not say which boot it is in: {(ran.err or ran.out)[:200]!r}",
            fault=HostFault.FAILED,
        )
    settled = lines[1] not in {"initializing", "starting", "stopping", "offline"}
    return lines[0].strip(), settled


def _facts(told: Mapping[str, Any], now: datetime) -> HostFacts:
    pending = told["pending"]
    return HostFacts(
        boot_id=str(told["boot_id"]),
        kernel=str(told["kernel"]),
        pending=Unknown(pending)
        if isinstance(pending, str)
        else tuple(
            PackageChange(name=name, before=before, after=after) for name, before, after in pending
        ),
        held=_names(told["held"]),
        unconfigured=_names(told["unconfigured"]),
        reboot_reasons=_names(told["reboot_reasons"]),
        failed_units=_names(told["failed_units"]),
        free_mib=int(told["free_mib"]),
        clock_ahead_seconds=float(told["time"]) - now.timestamp(),
    )


def _names(told: Any) -> tuple[str, ...]:  # noqa: ANN401 - what a host says
    if not isinstance(told, list):
        raise TypeError("no list")
    return tuple(str(one) for one in told)
