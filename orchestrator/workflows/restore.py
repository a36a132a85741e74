"""Restores: find the copy, look at the place, bring it back, and compare what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from orchestrator.errors import BackupError, RefusedError
from orchestrator.model.backup import (
    PARTS,
    Facts,
    Restored,
    Subject,
    SubjectKind,
    Verified,
)
from orchestrator.model.hardware import Server
from orchestrator.model.playbook import CataloguedPlaybook, Ending, PlaybookResult
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.model.verdict import Verdict
from orchestrator.planning.backup import subjects_of
from orchestrator.planning.backup_leave import preparation
from orchestrator.planning.restore import (
    Comparison,
    Destination,
    Outcome,
    RestorePlan,
    choose_copy,
    compare,
    outcome_of,
    place_of,
)
from orchestrator.ports.backup import Store
from orchestrator.ports.playbooks import PlaybookWatch
from orchestrator.workflows.archive_keys import archive_secrets
from orchestrator.workflows.backup import listed
from orchestrator.workflows.backup_runs import servers_of
from orchestrator.workflows.backup_steps import BackupPorts
from orchestrator.workflows.playbook import PlaybookPorts, PlaybookWork, carry_out
from orchestrator.workflows.restore_damage import naming_blame


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody wants back."""

    subject: Subject
    repository: str = ""
    run: str = ""
    to: Destination = field(default_factory=Destination)


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreReport:
    """How a restore ended."""

    plan: RestorePlan
    restored: Restored
    comparisons: tuple[Comparison, ...]

    @property
    def outcome(self) -> Outcome:
        """Return what is proved of what came back."""
        return outcome_of(self.comparisons)

    @property
    def whole(self) -> bool:
        """Say whether it is proved that everything that was recorded is there again."""
        return self.outcome is Outcome.WHOLE


def plan_restore(site: Site, wish: Wish, ports: BackupPorts) -> RestorePlan:
    """Find the copy and look at the place; nothing is changed.

    Raises:
        RefusedError: there is no copy, or the place is none.
        BackupError: the repository or the place does not answer.
    """
    subject = wish.subject
    only = [wish.repository] if wish.repository else []
    found = listed([subject], ports, only=only)
    silent = [f"{name}: {told}" for name, told in found.items() if isinstance(told, str)]
    told = [each for each in found.values() if not isinstance(each, str)]
    copies = [copy for each in told for copy in each.copies]
    damaged = [name for each in told for name in each.damaged.get(subject.name, ())]
    if silent and not copies:
        raise RefusedError(
            f"no repository with copies of {subject.name} can be asked: {'; '.join(silent)}"
        )
    if damaged and not copies:
        raise RefusedError(f"no copy of {subject.name} can be read: {', '.join(damaged)}")
    copy = choose_copy(
        subject, copies, now=ports.clock.now(), repository=wish.repository, run=wish.run
    )
    store = ports.engine.stores[copy.repository]
    server = _server(site, wish, ports)
    plan = RestorePlan(
        subject=subject,
        copy=copy,
        manifest=ports.engine.archive.manifest(copy, store=store),
        store=store,
        place=place_of(subject, wish.to, home=server, run=copy.run),
        server=server,
    )
    if server is None:
        _refuse_taken(plan, ports)
        return plan
    plan = replace(plan, holding=ports.engine.restores.holding(plan.place, server=server))
    _refuse_bad_place(plan)
    return plan


def _server(site: Site, wish: Wish, ports: BackupPorts) -> Server | None:
    """Return the server that a copy goes to: the named one, or a service's primary."""
    if wish.subject.kind is SubjectKind.SITE or wish.subject.of_cloud:
        return None
    if wish.to.host:
        return named_server(site, wish.to.host)
    return ports.engine.copying.source(wish.subject, servers_of(site, wish.subject))


def named_server(site: Site, name: str) -> Server:
    """Return the server to which somebody wants something restored.

    Raises:
        RefusedError: the site has none of that name.
    """
    found = next((one for one in site.hardware.servers if one.name == name), None)
    if found is None:
        raise RefusedError(f"the site has no server {name}")
    return found


def _refuse_taken(plan: RestorePlan, ports: BackupPorts) -> None:
    """Refuse a name that another image or volume has: nothing in the cloud is overwritten."""
    if not plan.subject.of_cloud:
        return
    if ports.engine.of_cloud().taken(plan.subject, plan.place.name):
        raise RefusedError(
            f"there is {plan.subject.kind.value} {plan.place.name} already, and nothing in the "
            "cloud is overwritten",
            remedy="Give the one that is made another name: --as.",
        )


def _refuse_bad_place(plan: RestorePlan) -> None:
    holding = plan.holding
    if not plan.subject.of_database or plan.place.make or holding is None:
        return
    if not holding.cluster or not holding.running:
        first = f"Run orchestrator service apply {plan.subject.name}"
        if plan.place.instance is not None:
            first = "Start MariaDB there"
        raise RefusedError(
            f"{plan.where}: the server {'is down' if holding.cluster else 'is not there'}",
            remedy=f"{first} first, or give --to HOST.",
        )
    if holding.in_recovery:
        raise RefusedError(
            f"{plan.where} is a replica: what is restored must be restored at the primary",
            remedy="See orchestrator service status.",
        )


class Reading(Protocol):
    """Which host reads which subject in which repository: every plan of a restore says it."""

    @property
    def subject(self) -> Subject:
        """Return what is read."""

    @property
    def store(self) -> Store:
        """Return where it is read."""

    @property
    def server(self) -> Server | None:
        """Return who reads it; None: this machine."""


def needs_leave(plan: Reading) -> bool:
    """Say whether the host of a plan may not read the copy yet: nobody declared that it would."""
    if plan.server is None:
        return False
    declared = {*plan.subject.hosts, *plan.store.repository.restore_hosts}
    return plan.server.name not in declared


def give_leave(
    site: Site,
    plan: Reading,
    entry: CataloguedPlaybook,
    *,
    playbooks: PlaybookPorts,
    watch: PlaybookWatch,
) -> PlaybookResult:
    """Let one host read one subject, until `backup prepare` is run again; install what it needs.

    Raises:
        RefusedError: the host or the repository's server could not be prepared.
    """
    assert plan.server is not None  # noqa: S101 - needs_leave said so
    names = {plan.server.name, plan.store.server.name}
    readers = {plan.server.name: [plan.subject.name]}
    wanted = preparation(site, subjects_of(site), readers=readers)
    servers = tuple(one for one in wanted.servers if one.name in names)
    work = PlaybookWork(
        entry=entry,
        servers=servers,
        rehearse=False,
        variables=wanted.variables,
        secrets=archive_secrets(site, subjects_of(site), playbooks.secrets),
    )
    result = carry_out(site, work, playbooks, watch=watch)
    if result.ending is not Ending.DONE:
        reasons = "; ".join(f"{one.host}: {one.reason}" for one in result.hosts if one.reason)
        raise RefusedError(f"{plan.server.name} could not be prepared: {reasons or result.reason}")
    return result


def refuse_loss(plan: RestorePlan, *, overwrite: bool) -> None:
    """Refuse to put a copy where data is, unless somebody said that it may go.

    Raises:
        RefusedError: says how much there is.
    """
    if plan.overwrites and not overwrite:
        raise RefusedError(
            f"{plan.where} holds {plan.lost}, which would be lost",
            remedy=f"Restore it elsewhere (--to HOST, --as NAME), or give --overwrite "
            f"{plan.subject.name}.",
        )


def carry_out_restore(plan: RestorePlan, ports: BackupPorts, *, overwrite: bool) -> RestoreReport:
    """Bring a copy back and compare what came with what was recorded.

    Raises:
        RefusedError: data is at the place, and nobody said that it may go.
        SiteLockedError: somebody else is working on the site.
        BackupError: the copy is broken, or the place or the repository does not answer.
    """
    refuse_loss(plan, overwrite=overwrite)
    facts: dict[str, Json] = {
        "subject": plan.subject.name,
        "run": plan.copy.run,
        "repository": plan.copy.repository,
        "to": plan.where,
        "overwrites": plan.overwrites,
    }
    with ports.lock.hold(why=f"restore {plan.subject.name}"):
        if not overwrite:
            _look_again(plan, ports)
        ports.audit.append(act="restore-begin", facts=facts)
        try:
            restored, found = _bring_back(plan, ports)
        except BackupError as error:
            ports.audit.append(act="restore-failed", facts={**facts, "reason": error.message})
            raise _naming_blame(error, plan, ports) from error
        comparisons = compare(plan.manifest.facts, found)
        report = RestoreReport(plan=plan, restored=restored, comparisons=comparisons)
        ports.audit.append(act="restore-end", facts={**facts, "outcome": report.outcome.value})
    return report


def _look_again(plan: RestorePlan, ports: BackupPorts) -> None:
    """Refuse where data came to the place since the plan was made: nobody approved its loss."""
    _refuse_taken(plan, ports)
    if plan.server is not None:
        holding = ports.engine.restores.holding(plan.place, server=plan.server)
        refuse_loss(replace(plan, holding=holding), overwrite=False)


def _bring_back(plan: RestorePlan, ports: BackupPorts) -> tuple[Restored, Facts]:
    restores = ports.engine.restores
    if plan.subject.of_cloud:
        cloud, name = ports.engine.of_cloud(), plan.place.name
        return cloud.restore(plan.subject, plan.manifest, store=plan.store, name=name)
    if plan.server is None:
        begun = ports.clock.now()
        found = restores.restore_site(plan.copy, store=plan.store, folder=plan.place.folder)
        seconds = (ports.clock.now() - begun).total_seconds()
        return Restored(seconds=seconds, fetched_bytes=plan.copy.size_bytes), found
    restored = restores.restore(plan.copy, store=plan.store, place=plan.place, server=plan.server)
    like = plan.manifest.facts
    return restored, restores.facts(plan.place, server=plan.server, like=like)


def _naming_blame(error: BackupError, plan: RestorePlan, ports: BackupPorts) -> BackupError:
    def read() -> Verified:
        name = plan.subject.name
        return ports.engine.archive.verify(name, store=plan.store, parts=range(PARTS))

    store = plan.store
    return naming_blame(error, read, repository=store.repository.name, server=store.server.name)


def failures(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return what is not as it was recorded."""
    return tuple(one for one in comparisons if one.verdict is Verdict.FAIL)
