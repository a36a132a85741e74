"""Measure `orchestrator plan` with nothing to do on the reference city that `make demo` left.

The API calls are those that the services' own access logs show.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.lab.settings import CLOUD, LabSettings
from orchestrator.model.site import Site
from orchestrator.providers.govcloud import KINDS
from orchestrator.spec.load import load_site
from tests.bench.place import AccessLogs, Call, by_service, lab_settings, our_agents, why_not
from tests.lab.town import ENVIRONMENT, PROGRAM

RUNS = 3
SITE = Path("inventory") / "yangzhou"
PLAN_SECONDS = 240
DIFFERENT = 2
"""Exit status of --detailed-exitcode where there is something to do."""

PROJECTS, USERS = "projects", "service users"
SCOPES = {
    ("nova", "/v2.1/os-quota-sets/{id}"): PROJECTS,
    ("cinder", "/v3/os-quota-sets/{id}"): PROJECTS,
    ("keystone", "/v3/users/{id}/application_credentials"): USERS,
}
"""What no service lists for everybody at once, and how many times it has to be asked for."""

OPENING = frozenset({"/", "/v3", "/v3/auth/tokens"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one run cost."""

    status: int
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    calls: Counter[Call]


def main() -> None:
    """Print the figures; the goals are 10 s, 300 MiB, and kinds times scopes."""
    settings = lab_settings()
    reason = why_not(settings) or ("" if SITE.is_dir() else f"there is no {SITE} here")
    if reason:
        _skip(reason)
        return
    site = load_site(SITE).site
    runs = [measure(settings, site.name) for _ in range(RUNS)]
    failed = [run.status for run in runs if run.status]
    if failed and set(failed) == {DIFFERENT}:
        _skip(f"{SITE} is not applied to this lab, or something changed since")
    elif failed:
        raise RuntimeError(f"orchestrator plan {SITE} ended with {failed}")
    else:
        _print(runs, site)


def measure(settings: LabSettings, site: str) -> Run:
    """Plan once, in a process of its own."""
    logs = AccessLogs(settings)
    begun = time.perf_counter()
    # It is waited for by wait4, which alone tells what it used.
    process = subprocess.Popen(
        [PROGRAM, "plan", str(SITE), "--detailed-exitcode"],
        env={**ENVIRONMENT, **_lab_environment(settings)},
        stdout=subprocess.DEVNULL,
    )
    limit = threading.Timer(PLAN_SECONDS, process.kill)
    limit.start()
    try:
        _, status, used = os.wait4(process.pid, 0)
    finally:
        limit.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        status=process.returncode,
        wall_seconds=time.perf_counter() - begun,
        cpu_seconds=used.ru_utime + used.ru_stime,
        # Linux counts what this process had when it forked: about 60 MiB are no finding.
        peak_mib=used.ru_maxrss / 1024,
        calls=logs.calls(*our_agents(site)),
    )


def scopes(site: Site) -> Mapping[str, int]:
    """Return how many of each scope the site has; every tenant has one service user."""
    return {
        PROJECTS: sum(len(tenant.projects) for tenant in site.tenancy.tenants),
        USERS: len(site.tenancy.tenants),
    }


def _lab_environment(settings: LabSettings) -> Mapping[str, str]:
    return {
        "OS_CLIENT_CONFIG_FILE": str(settings.clouds),
        "OS_CLOUD": CLOUD,
        "ORCHESTRATOR_ENDPOINTS": str(settings.endpoints),
    }


def _print(runs: list[Run], site: Site) -> None:
    wall, cpu, peak = (
        statistics.median(values)
        for values in zip(
            *((run.wall_seconds, run.cpu_seconds, run.peak_mib) for run in runs), strict=True
        )
    )
    _say(f"plan {SITE}, nothing to do, median of {RUNS} runs:")
    _say(f"  wall {wall:.2f} s, CPU {cpu:.2f} s, peak RSS {peak:.0f} MiB")
    _print_calls(runs, scopes(site))


def _print_calls(runs: list[Run], sizes: Mapping[str, int]) -> None:
    calls = runs[-1].calls
    _say(f"  {calls.total()} API calls in the last run: {by_service(calls)}")
    for number, run in enumerate(runs[:-1], start=1):
        for call, count in ((run.calls - calls) | (calls - run.calls)).items():
            _say(f"  in run {number} other by {count}: {call.service} {call.method} {call.path}")
    opening = sum(count for call, count in calls.items() if call.path in OPENING)
    _say(f"  {opening} of them are sign-in and version discovery, {calls.total() - opening} read")
    at_once = len(KINDS) - len(SCOPES)
    allowed = at_once + sum(sizes[scope] for scope in SCOPES.values())
    _say(
        f"  kinds x scopes: {allowed} = {at_once} kinds with one list each, "
        f"and {len(SCOPES)} kinds with one per scope (marked *)"
    )
    _say(f"  {'service':<10} {'calls':>5} {'scopes':>6}  request")
    for call, count in sorted(calls.items(), key=lambda item: (item[0].service, -item[1])):
        scope = SCOPES.get((call.service, call.path))
        size, mark = (sizes[scope], f"  * {scope}") if scope else (1, "")
        _say(f"  {call.service:<10} {count:>5} {size:>6}  {call.method} {call.path}{mark}")


def _skip(reason: str) -> None:
    _say(f"plan bench skipped: {reason}; run make demo first")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
