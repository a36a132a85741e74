"""Accept servers: put them under load through their hosts, and report what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event

from orchestrator.errors import HostError
from orchestrator.model.acceptance import Acceptance, Burn, HostFacts, Load
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.verdict import Verdict
from orchestrator.planning.acceptance import (
    LOOK,
    burn_command,
    compare_counters,
    compare_facts,
    judge_burn,
    read_facts,
)
from orchestrator.ports import AuditLog, Clock
from orchestrator.ports.host import Hosts
from orchestrator.ports.signing import Signer

LOOK_SECONDS = 60.0
GRACE_SECONDS = 120.0
"""For a load to end after its time: a disk writes back what is in memory."""

Told = Callable[[str, str], None]
"""Hears of a server and what is done to it; called from any thread."""

AT_ONCE = 64

Ended = Acceptance | HostError
"""A report, or why there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptWatch:
    """Whoever watches, and whether somebody asked to stop: then no further load is begun."""

    told: Told
    stopped: Event = field(default_factory=Event)


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptPorts:
    """Everything that accepting needs from outside; `cli.wiring` fills it."""

    hosts: Hosts
    signer: Signer
    clock: Clock
    audit: AuditLog


def accept_all(
    site: Site,
    servers: Sequence[Server],
    ports: AcceptPorts,
    *,
    seconds: float,
    watch: AcceptWatch,
) -> Iterable[tuple[Server, Ended]]:
    """Test many servers at once, and yield each as it ends: each loads only itself."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="accept") as pool:
        tests = {
            pool.submit(_accept, site, server, ports, seconds=seconds, watch=watch): server
            for server in servers
        }
        for future in as_completed(tests):
            yield tests[future], future.result()


def _accept(
    site: Site, server: Server, ports: AcceptPorts, *, seconds: float, watch: AcceptWatch
) -> Ended:
    ports.audit.append(act="accept-begin", facts={"server": server.name})
    begun = ports.clock.now()
    try:
        before = _look(server, ports.hosts)
    except HostError as error:
        ports.audit.append(act="accept-end", facts={"server": server.name, "reason": error.message})
        return error
    each = max(1, int(seconds / len(Load)))
    burns = []
    for load in Load:
        if watch.stopped.is_set():
            burns.append(_not_run(load, "somebody stopped the test"))
            continue
        watch.told(server.name, f"{load} for {each} s")
        burns.append(_burn(server, load, before, hosts=ports.hosts, seconds=each))
    report = Acceptance(
        site=site.name,
        server=server.name,
        serial=server.serial,
        profile=server.profile,
        begun=begun.isoformat(timespec="seconds"),
        ended=ports.clock.now().isoformat(timespec="seconds"),
        facts=compare_facts(site.profiles_by_name[server.profile], before),
        burns=tuple(burns),
        counters=compare_counters(before, _look_again(server, ports.hosts)),
    )
    facts = {"server": server.name, "verdict": report.verdict.value}
    ports.audit.append(act="accept-end", facts=dict(facts))
    return report


def _look(server: Server, hosts: Hosts) -> HostFacts:
    return read_facts(hosts.run(server, LOOK, within=LOOK_SECONDS).out)


def _look_again(server: Server, hosts: Hosts) -> HostFacts | None:
    """Look after the loads; a host that is silent now says so in a load that failed."""
    try:
        return _look(server, hosts)
    except HostError:
        return None


def _burn(server: Server, load: Load, told: HostFacts, *, hosts: Hosts, seconds: int) -> Burn:
    command = burn_command(load, seconds, told)
    if not told.loader:
        return _not_run(load, "stress-ng is not on the host: install it, and test again")
    try:
        ran = hosts.run(server, command, within=seconds + GRACE_SECONDS)
    except HostError as error:
        return Burn(
            load=load, seconds=seconds, command=command, verdict=Verdict.FAIL, detail=error.message
        )
    return judge_burn(load, seconds, command=command, status=ran.status)


def _not_run(load: Load, why: str) -> Burn:
    return Burn(load=load, seconds=0, command="", verdict=Verdict.UNKNOWN, detail=why)
