"""Playbooks: from the site's servers to a run, under the site's lock, in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from orchestrator.compile.inventory import InventoryHost, Place, site_inventory
from orchestrator.errors import RefusedError
from orchestrator.model.hardware import Server
from orchestrator.model.playbook import (
    CataloguedPlaybook,
    Ending,
    HostResult,
    Outcome,
    PlaybookHost,
    PlaybookJob,
    PlaybookResult,
    Variables,
)
from orchestrator.model.site import Site
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.planning.windows import closed_because
from orchestrator.ports import AuditLog, Clock, SecretStore, SiteLock
from orchestrator.ports.playbooks import Playbooks, PlaybookWatch

PLAYBOOKS_FOLDER = Path(__file__).resolve().parents[2] / "playbooks"
NO_ADDRESS = "the site declares no `address` of its operating system"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybookPorts:
    """Everything that a run of a playbook needs from outside; `cli.wiring` fills it."""

    playbooks: Playbooks
    secrets: SecretStore
    lock: SiteLock
    audit: AuditLog
    clock: Clock
    places: Mapping[str, Place]
    """Where declared addresses are really reached, where that is elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybookWork:
    """One playbook, the servers that it is to run on, and how."""

    entry: CataloguedPlaybook
    servers: tuple[Server, ...]
    rehearse: bool
    parallel: int = 20
    any_time: bool = False
    """Run it outside of the maintenance windows, too."""
    variables: Mapping[str, Variables] = field(default_factory=dict)
    """What this run tells single hosts, by their name, beside what the site says of them."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """Variables of this run that nobody may see, beside those of the catalogue."""


def meant(entry: CataloguedPlaybook, servers: Sequence[Server]) -> tuple[Server, ...]:
    """Return the servers that a playbook is for."""
    return tuple(one for one in servers if not entry.roles or one.role in entry.roles)


def carry_out(
    site: Site, work: PlaybookWork, ports: PlaybookPorts, *, watch: PlaybookWatch
) -> PlaybookResult:
    """Run or rehearse a playbook; what is about to be run is in the audit log before it is.

    Raises:
        SiteLockedError: somebody else is working on the site.
        RefusedError: no host has an address, or no maintenance window is open.
        SecretError: a secret that the playbook or a login needs is missing.
    """
    refuse_closed_windows(site, work, ports.clock)
    verb = "rehearse" if work.rehearse else "run"
    with ports.lock.hold(why=f"{verb} {work.entry.name}", shared=work.rehearse):
        return play(site, work, ports, watch=watch)


def play(
    site: Site, work: PlaybookWork, ports: PlaybookPorts, *, watch: PlaybookWatch
) -> PlaybookResult:
    """Run a playbook as a part of a longer job, which holds the site's lock already.

    Raises:
        RefusedError: no host has an address.
        SecretError: a secret that the playbook or a login needs is missing.
    """
    inventory = site_inventory(site, work.servers, places=ports.places)
    job = _job(work, inventory, ports.secrets)
    facts: dict[str, Json] = {
        "playbook": work.entry.name,
        "hosts": [host.name for host in job.hosts],
        "rehearsed": work.rehearse,
    }
    ports.audit.append(act="playbook-begin", facts=facts)
    result = _with_unaddressed(ports.playbooks.run(job, watch=watch), inventory)
    counts: dict[str, Json] = {one.value: result.count(one) for one in Outcome}
    ending: dict[str, Json] = {"ending": result.ending.value, "counts": counts}
    ports.audit.append(act="playbook-end", facts={**facts, **ending})
    return result


def refuse_closed_windows(site: Site, work: PlaybookWork, clock: Clock) -> None:
    """Refuse a playbook that may run in a window only, where none is open or a freeze is on.

    Raises:
        RefusedError: names the regions.
    """
    if work.rehearse or work.any_time or not work.entry.window:
        return
    regions = {site.region_of_rack(server.rack) or "" for server in work.servers}
    local = clock.now().astimezone(ZoneInfo(site.identity.timezone))
    told = [closed_because(site.system, region, local) for region in sorted(regions)]
    closed = "; ".join(reason for reason in told if reason)
    if closed:
        raise RefusedError(
            f"{work.entry.name} may run in a maintenance window only: {closed}",
            remedy="Wait for the window, or give --outside-window.",
        )


def _job(
    work: PlaybookWork, inventory: Sequence[InventoryHost], secrets: SecretStore
) -> PlaybookJob:
    hosts = tuple(
        PlaybookHost(
            name=one.name,
            login=one.login,
            groups=one.groups,
            variables={**one.variables, **work.variables.get(one.name, {})},
        )
        for one in inventory
        if one.login is not None
    )
    if not hosts:
        raise RefusedError(
            f"none of the {len(inventory)} servers can be logged in to: {NO_ADDRESS}",
            remedy="Declare the `address` of each server under hardware, and run it again.",
        )
    entry = work.entry
    refs = sorted({host.login.key for host in hosts if host.login})
    return PlaybookJob(
        playbook=entry.file,
        hosts=hosts,
        within_seconds=entry.minutes * 60.0,
        secrets={
            **{name: secrets.get(SecretRef(ref)) for name, ref in entry.secrets.items()},
            **work.secrets,
        },
        keys={ref: secrets.get(ref) for ref in refs},
        rehearse=work.rehearse,
        parallel=work.parallel,
    )


def _with_unaddressed(result: PlaybookResult, inventory: Sequence[InventoryHost]) -> PlaybookResult:
    """Add the hosts that could not be part of the run: they are not done."""
    missing = [host.name for host in inventory if host.login is None]
    if not missing:
        return result
    added = tuple(
        HostResult(host=name, outcome=Outcome.UNREACHABLE, reason=NO_ADDRESS) for name in missing
    )
    ending = Ending.FAILED if result.ending is Ending.DONE else result.ending
    return replace(result, hosts=(*result.hosts, *added), ending=ending)
