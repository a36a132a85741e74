"""Restores to a moment: from which archive, what happens at the place, and what proves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.model.backup import Facts, Holding, Place, Subject
from orchestrator.model.hardware import Server
from orchestrator.model.verdict import Verdict
from orchestrator.planning.continuous import Chosen
from orchestrator.planning.restore import Comparison
from orchestrator.ports.backup import Store

CLOCKS_APART = timedelta(seconds=2)
"""A sentinel has the time of whoever ran the backup, a commit that of the database's host."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointPlan:
    """One archive, the moment, where it goes, and what is there now."""

    subject: Subject
    chosen: Chosen
    at: datetime | None
    """None: to the end of the archive."""
    run: str
    store: Store
    place: Place
    server: Server
    holding: Holding
    extensions: tuple[str, ...] = ()
    """Those that the service declares."""
    cut_off: bool = False
    """A restore of the service itself was cut off here: what was there before is kept already."""

    @property
    def there(self) -> str:
        """Return what is at the place, as a sentence's end."""
        if self.cut_off:
            return "a restore was cut off there, and what was there before is kept"
        if self.holding.silent:
            return "a cluster that is down is there now, so that nobody knows its rows"
        return f"{self.holding.rows} rows are there now"

    @property
    def in_place(self) -> bool:
        """Say whether it is the service itself that goes back."""
        return not self.place.make

    @property
    def where(self) -> str:
        """Return the place in one line."""
        cluster = self.place.cluster
        assert cluster is not None  # noqa: S101 - a service's place always has one
        return f"{self.server.name}, cluster {cluster.name}, port {cluster.port}"

    @property
    def when(self) -> str:
        """Return the moment in words."""
        return "the end of the archive" if self.at is None else self.at.isoformat()


def steps_of_point(plan: PointPlan) -> Iterator[str]:
    """Return what a restore to a moment does, one act a line."""
    cluster, begins = plan.place.cluster, plan.chosen.begins
    assert cluster is not None  # noqa: S101 - a service's place always has one
    if plan.cut_off:
        yield (
            f"Remove the half that a restore left at {plan.where} when it was cut off; what it "
            f"kept beside it stays ({cluster.name}.before-...)"
        )
    elif plan.in_place:
        yield f"Stop {plan.where}; keep its data as {cluster.name}.before-{plan.run} beside it"
    else:
        yield f"Make {plan.where}, for this host's users alone"
    origin = f"{plan.chosen.archive.repository} ({plan.store.server.name})"
    ended = f"{begins.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Fetch the cluster's copy {begins.label} of {ended} from {origin}"
    yield f"Replay the log to {plan.when}, and let the cluster write from there on"
    yield "Read every table, and see that no row is younger than that"
    if plan.in_place:
        others = [name for name in plan.subject.hosts if name != plan.server.name]
        yield (
            f"Afterwards, by you: orchestrator service apply {plan.subject.name} --rebuild for "
            f"{', '.join(others) or 'no host'}, and backup run: replicas follow another history"
        )


def judge_point(plan: PointPlan, found: Facts, *, ended_at: datetime) -> tuple[Comparison, ...]:
    """Compare what came back with the moment that was asked for."""
    return (
        _readable(found),
        *_extensions(plan, found),
        *_sentinel(plan, found, ended_at=ended_at),
    )


def _readable(found: Facts) -> Comparison:
    """Every row was read, and so the checksum of every page of a table."""
    rows = sum(table.rows for table in found.tables.values())
    return Comparison(
        what="tables",
        wanted="every page readable",
        found=f"{len(found.tables)} tables, {rows} rows",
        verdict=Verdict.PASS if found.tables else Verdict.UNKNOWN,
    )


def _extensions(plan: PointPlan, found: Facts) -> Iterator[Comparison]:
    for name in plan.extensions:
        now = found.extensions.get(name)
        yield Comparison(
            what=f"extension {name}",
            wanted="there",
            found=now or "missing",
            verdict=Verdict.PASS if now else Verdict.FAIL,
        )


def _sentinel(plan: PointPlan, found: Facts, *, ended_at: datetime) -> Iterator[Comparison]:
    """Compare the newest sentinel row: what is younger than the moment must not be there."""
    limit = plan.at or ended_at
    newest = found.sentinel
    if newest is None:
        verdict, text = Verdict.UNKNOWN, "none: no backup ran before that moment"
    else:
        verdict = Verdict.PASS if newest.written_at <= limit + CLOCKS_APART else Verdict.FAIL
        text = f"{newest.id} of {newest.written_at.isoformat(timespec='seconds')}"
    yield Comparison(
        what="newest sentinel row",
        wanted=f"not after {plan.when}",
        found=text,
        verdict=verdict,
    )
