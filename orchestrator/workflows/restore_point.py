"""Restores to a moment: find the archive, look at the place, bring it back, look at it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.compile.postgresql import EXTENSIONS_OF_A_LEVEL
from orchestrator.errors import BackupError, RefusedError
from orchestrator.model.backup import Facts, Holding, Place, Subject, Verified
from orchestrator.model.continuous import PointRestored
from orchestrator.model.declared_service import declared_services
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.continuous import choose_archive
from orchestrator.planning.restore import Comparison, Destination, Outcome, outcome_of, place_of
from orchestrator.planning.restore_point import PointPlan, judge_point
from orchestrator.ports.continuous import Moment
from orchestrator.workflows.backup_continuous import ContinuousPorts, archives, primary
from orchestrator.workflows.backup_runs import run_name, servers_of
from orchestrator.workflows.restore import named_server
from orchestrator.workflows.restore_damage import naming_blame

PRELOADED = ("pgaudit",)
"""What a new cluster has to load before it can start with the service's data."""
DOWN = Holding(cluster=True, running=False, in_recovery=False, rows=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class PointWish:
    """What somebody wants back, and as of when."""

    subject: Subject
    at: datetime | None
    """None: the end of the archive."""
    repository: str = ""
    to: Destination = field(default_factory=Destination)


@dataclass(frozen=True, kw_only=True, slots=True)
class PointReport:
    """How a restore to a moment ended."""

    plan: PointPlan
    restored: PointRestored
    facts: Facts
    comparisons: tuple[Comparison, ...]

    @property
    def outcome(self) -> Outcome:
        """Return what is proved of what came back."""
        return outcome_of(self.comparisons)


def plan_point(site: Site, wish: PointWish, ports: ContinuousPorts) -> PointPlan:
    """Find the archive that leads to the moment, and look at the place; nothing is changed.

    Raises:
        RefusedError: no archive leads there, or the place is none.
        BackupError: the place does not answer.
    """
    subject = wish.subject
    only = [wish.repository] if wish.repository else []
    known = archives([subject], ports, only=only)
    chosen = choose_archive(subject, known, at=wish.at, repository=wish.repository)
    server, cut_off = _server(site, wish, ports)
    run = run_name(ports.backups.clock.now())
    place = place_of(subject, wish.to, home=server, run=run)
    holding = DOWN if cut_off else ports.backups.engine.restores.holding(place, server=server)
    plan = PointPlan(
        subject=subject,
        chosen=chosen,
        at=wish.at,
        run=run,
        store=ports.backups.engine.stores[chosen.archive.repository],
        place=place,
        server=server,
        holding=holding,
        extensions=_extensions(site, subject),
        cut_off=cut_off,
    )
    _refuse_bad_place(plan)
    return plan


def _server(site: Site, wish: PointWish, ports: ContinuousPorts) -> tuple[Server, bool]:
    """Return where it goes, and whether a restore of the service itself was cut off there."""
    if wish.to.host:
        return named_server(site, wish.to.host), False
    try:
        return primary(site, wish.subject, ports), False
    except BackupError:
        servers = servers_of(site, wish.subject)
        left = [one for one in servers if _is_cut_off(wish.subject, one, ports)]
        elsewhere = wish.to.name or wish.to.port
        if len(left) != 1 or elsewhere:
            raise
        return left[0], True


def _is_cut_off(subject: Subject, server: Server, ports: ContinuousPorts) -> bool:
    try:
        return ports.engine.restores.is_cut_off(subject, server)
    except BackupError:
        return False  # one that is silent takes no restore either


def _extensions(site: Site, subject: Subject) -> tuple[str, ...]:
    declared = next(one for one in declared_services(site) if one.name == subject.name)
    return (*EXTENSIONS_OF_A_LEVEL, *declared.service.extensions)


def _refuse_bad_place(plan: PointPlan) -> None:
    # One that is down may be what a killed restore left: its host knows, and takes no other.
    if plan.place.make and plan.holding.running:
        raise RefusedError(
            f"{plan.where} is there already",
            remedy="Give another name with --as, or remove it there with pg_dropcluster.",
        )
    if plan.in_place and plan.holding.in_recovery:
        raise RefusedError(
            f"{plan.where} is a replica: what is restored must be restored at the primary",
            remedy="See orchestrator service status.",
        )


def refuse_setback(plan: PointPlan, *, overwrite: bool) -> None:
    """Refuse to put a service back in time, unless somebody named it.

    Raises:
        RefusedError: says how much is there.
    """
    if plan.in_place and not overwrite:
        raise RefusedError(
            f"{plan.where} would go back to {plan.when}: {plan.there}",
            remedy=f"Restore it elsewhere (--to HOST, --as NAME), or give --overwrite "
            f"{plan.subject.name}.",
        )


def carry_out_point(plan: PointPlan, ports: ContinuousPorts, *, overwrite: bool) -> PointReport:
    """Bring an archive back to a moment, and look at what came.

    Raises:
        RefusedError: the service itself would go back, and nobody named it.
        SiteLockedError: somebody else is working on the site.
        BackupError: the archive is broken or does not lead there, or a host does not answer.
    """
    refuse_setback(plan, overwrite=overwrite)
    facts: dict[str, Json] = {
        "subject": plan.subject.name,
        "archive": plan.chosen.archive.repository,
        "from": plan.chosen.begins.label,
        "at": plan.when,
        "to": plan.where,
        "run": plan.run,
    }
    backups = ports.backups
    with backups.lock.hold(why=f"restore {plan.subject.name}"):
        backups.audit.append(act="restore-begin", facts=facts)
        try:
            restored, found = bring_back(plan, ports)
        except BackupError as error:
            backups.audit.append(act="restore-failed", facts={**facts, "reason": error.message})
            raise _naming_blame(error, plan, ports) from error
        comparisons = judge_point(plan, found, ended_at=backups.clock.now())
        report = PointReport(plan=plan, restored=restored, facts=found, comparisons=comparisons)
        ending: dict[str, Json] = {"outcome": report.outcome.value, "kept": restored.kept}
        backups.audit.append(act="restore-end", facts={**facts, **ending})
    return report


def bring_back(plan: PointPlan, ports: ContinuousPorts) -> tuple[PointRestored, Facts]:
    """Bring an archive back to the plan's moment, and count what came."""
    to = Moment(run=plan.run, at=plan.at, loaded=PRELOADED)
    restored = ports.engine.restores.restore(
        plan.subject, store=plan.store, place=plan.place, server=plan.server, to=to
    )
    place: Place = plan.place
    restores = ports.backups.engine.restores
    return restored, restores.facts(place, server=plan.server, like=Facts())


def _naming_blame(error: BackupError, plan: PointPlan, ports: ContinuousPorts) -> BackupError:
    def read() -> Verified:
        return ports.engine.keeping.verify(plan.subject, store=plan.store, whole=True)

    repository = plan.chosen.archive.repository
    return naming_blame(error, read, repository=repository, server=plan.store.server.name)
