"""Measure an apply of six new departments, and a bare client that makes the same things.

Both have the same number of requests in flight. The ratio is what engine, state and care cost.
"""

from __future__ import annotations

import inspect
import json
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from subprocess import CompletedProcess
from typing import Any

from orchestrator.adapters.clock import SystemClock
from orchestrator.lab.settings import LabSettings
from orchestrator.planning.slices import system_slice, tenant_slice
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.spec.load import load_site
from tests.bench.bare import AGENT, BareClient
from tests.bench.bare_city import make_city
from tests.bench.place import AccessLogs, Call, by_service, lab_settings, our_agents, why_not
from tests.lab.running import RunningLab
from tests.lab.town import Town

TENANTS = 6
SCOPE = ("--layer", "system", "--layer", "tenancy")
REQUESTS_AT_ONCE = inspect.signature(Cloud).parameters["requests_at_once"].default
PACKAGE = "govcloud:"
VLANS = range(1, 200)
VLAN_OFFSET = 100
"""A town's VLAN is its number and this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What making one city took."""

    wall_seconds: float
    cpu_seconds: float
    """The client's own; the services' is not in it."""
    answering_seconds: float
    """The services', all calls added up."""
    things: Counter[str]
    """How many of each kind."""
    calls: Counter[Call]


def main() -> None:
    """Print the figures of both, and their ratio."""
    settings = lab_settings()
    reason = why_not(settings)
    if reason:
        _say(f"apply bench skipped: {reason}; run make demo first")
        return
    # Ended or interrupted, it deletes what it made.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with closing(RunningLab(settings)) as lab, tempfile.TemporaryDirectory() as folder:
        number = _free_number(lab)
        ours = _apply(_town(Path(folder), lab, number), settings)
        _print(f"orchestrator apply {' '.join(SCOPE)}", ours)
        bare = _make_barely(_town(Path(folder), lab, number), settings)
        _print("bare client", bare)
    _compare(ours, bare)


def _free_number(lab: RunningLab) -> int:
    taken = {network.provider_segmentation_id for network in lab.admin.network.networks()}
    return next(number for number in VLANS if VLAN_OFFSET + number not in taken)


def _town(folder: Path, lab: RunningLab, number: int) -> Town:
    """Write a town whose names nobody has, with six departments."""
    prefix = f"bench{token_hex(2)}"
    town = Town(folder / prefix, lab, prefix=prefix, number=number)

    def populate(layer: dict[str, Any]) -> None:
        tenants = layer["tenants"]
        for more in range(len(tenants), TENANTS):
            tenant = deepcopy(tenants[-1])
            tenant["name"] = f"{prefix}-office-{more}"
            tenant["projects"][0]["prefix"] = f"10.1.{more + 1}.0/24"
            tenants.append(tenant)

    town.edit("tenancy.yaml", populate)
    return town


def _apply(town: Town, settings: LabSettings) -> Work:
    logs = AccessLogs(settings)
    begun, used = time.perf_counter(), _children_cpu()
    try:
        applied = town.run("apply", *SCOPE, "--yes", "-o", "json")
        seconds, cpu = time.perf_counter() - begun, _children_cpu() - used
        agents = our_agents(town.prefix)
        calls, answering = logs.calls(*agents), logs.answering_seconds(*agents)
    finally:
        gone = _destroy(town)
    for done in (applied, gone):
        if done.returncode:
            raise RuntimeError(f"{done.args} ended with {done.returncode}: {done.stderr}")
    things = Counter(
        change["kind"].removeprefix(PACKAGE)
        for result in json.loads(applied.stdout)["results"]
        for change in result["changes"]
    )
    return Work(
        wall_seconds=seconds,
        cpu_seconds=cpu,
        answering_seconds=answering,
        things=things,
        calls=calls,
    )


def _destroy(town: Town) -> CompletedProcess[str]:
    """Destroy the town, and the groups that Neutron itself gave its projects: destroy keeps those.

    Seen on 2026-11-22: a security group `default` outlives the project that it was made for.
    """
    cloud = town.lab.admin
    projects = {
        project.id
        for domain in cloud.identity.domains()
        if domain.name.startswith(f"{town.prefix}-")
        for project in cloud.identity.projects(domain_id=domain.id)
    }
    gone = town.run("destroy", "--confirm", town.prefix)
    for group in cloud.network.security_groups(name="default"):
        if gone.returncode == 0 and group.project_id in projects:
            cloud.network.delete_security_group(group)
    return gone


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _make_barely(town: Town, settings: LabSettings) -> Work:
    site = load_site(town.directory).site
    system = system_slice(site, str(town.directory))
    today = SystemClock().now().date()
    tenants = [tenant_slice(site, each.name, today=today) for each in site.tenancy.tenants]
    logs = AccessLogs(settings)
    begun, used = time.perf_counter(), time.process_time()
    client = BareClient(town.lab.record, requests_at_once=REQUESTS_AT_ONCE)
    try:
        make_city(client, system, tenants)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        calls, answering = logs.calls(AGENT), logs.answering_seconds(AGENT)
    finally:
        left = client.close()
        for thing in left:
            _say(f"  could not be deleted: {thing}")
    return Work(
        wall_seconds=seconds,
        cpu_seconds=cpu,
        answering_seconds=answering,
        things=client.made,
        calls=calls,
    )


def _print(what: str, work: Work) -> None:
    count, things = work.calls.total(), work.things.total()
    _say(f"{what}: {TENANTS} tenants, {things} things of {len(work.things)} kinds")
    _say(
        f"  wall {work.wall_seconds:.1f} s, client's CPU {work.cpu_seconds:.1f} s, {count} calls,"
        f" {count / work.wall_seconds:.1f} calls/s"
    )
    _say(
        f"  in flight: {work.answering_seconds / work.wall_seconds:.1f} calls on average,"
        f" at most {REQUESTS_AT_ONCE}"
    )
    _say(f"  calls: {by_service(work.calls)}")


def _compare(ours: Work, bare: Work) -> None:
    _say(
        f"apply takes {ours.wall_seconds / bare.wall_seconds:.2f} times as long as the bare client,"
        f" with {ours.calls.total() / bare.calls.total():.2f} times the calls"
    )
    if ours.things != bare.things:
        _say(f"  not the same things: only apply {dict(ours.things - bare.things)},")
        _say(f"  only the bare client {dict(bare.things - ours.things)}")
    for call, count in sorted((ours.calls - bare.calls).items(), key=lambda item: -item[1]):
        _say(f"  more in apply: {count:>4}  {call.service} {call.method} {call.path}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
