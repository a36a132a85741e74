"""What happens to recorded resources that the program no longer declares.

Whoever removes a thing from the site has not said that its data may go: a resource that holds
something is kept until its thing is listed under `removed:`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.engine.records import Record
from orchestrator.engine.run import Run
from orchestrator.engine.snapshot import Put
from orchestrator.engine.urn import PROVIDER_PREFIX, name_of, type_of
from orchestrator.model.stack import thing_of
from orchestrator.ports.provider import Kind

MayDelete = Callable[[Record], bool]
"""Whether a resource that is not declared may be deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """The fate of what is not declared."""

    deletes: tuple[Record, ...]
    """In dependency order: users stand after what they need."""
    orphans: tuple[Record, ...]
    """Kept, because they hold something, or because such a one needs them."""
    refused: tuple[tuple[Record, str], ...]
    """To be deleted, but for this reason not now."""


def listed_only(kinds: Mapping[str, Kind], removals: Collection[str]) -> MayDelete:
    """Return the rule of an update: what holds something goes only if its thing is listed."""

    def may_delete(record: Record) -> bool:
        kind = kinds.get(record.kind)
        # Of a kind that we do not know we cannot say that it holds nothing.
        holds = kind is None or kind.holds
        return not holds or _thing(record) in removals

    return may_delete


def everything(_record: Record) -> bool:
    """Apply the rule of a destroy."""
    return True


def decide(run: Run, may_delete: MayDelete) -> Removal:
    """Return what is deleted, what is kept as an orphan, and what is refused."""
    records = run.snapshot.records()
    undeclared = [r for r in records if not r.doomed and r.urn not in run.declared]
    protected = [r for r in undeclared if r.protect and _exists(run, r)]
    orphaned = reached_from(_kept(run, undeclared, may_delete), records)
    staying = [r for r in records if not r.doomed and r.urn in run.declared]
    needed = reached_from([*staying, *protected], records)
    return Removal(
        deletes=tuple(
            r
            for r in records
            if r.doomed or (r in undeclared and r.urn not in orphaned and r.urn not in needed)
        ),
        orphans=tuple(r for r in undeclared if r.urn in orphaned and is_real(r)),
        refused=tuple(
            (r, "it is protected" if r.protect else f"{needed[r.urn]} still needs it")
            for r in undeclared
            if r.urn in needed and r.urn not in orphaned and is_real(r)
        ),
    )


def _kept(run: Run, undeclared: Sequence[Record], may_delete: MayDelete) -> list[Record]:
    """Return what holds something, and with it the settings of the same thing.

    An orphaned project keeps its firewall rules and its credential: it is as it was.
    """
    existing = [record for record in undeclared if _exists(run, record)]
    things = {_thing(record) for record in existing if not may_delete(record)}
    return [record for record in existing if _thing(record) in things]


def _thing(record: Record) -> str:
    return thing_of(name_of(record.urn))


def spare_orphans(run: Run, may_delete: MayDelete) -> dict[str, str]:
    """Find, in a foreseeing run, the replacements that an orphan would be deleted for.

    Each becomes a failure in the tally, and the orphan a resource that is kept. Returned is, by
    URN, why the replacement must not be.
    """
    blocked = {}
    for root, dependents in run.replaced.items():
        for record in dependents:
            if record.urn in run.declared or may_delete(record):
                continue
            run.snapshot.apply(Put(record))
            thing = _thing(record)
            blocked[root] = (
                f"it must be replaced, but {name_of(record.urn)} needs it, is no longer declared "
                f"and is kept; list {thing} under `removed:`, or declare it again"
            )
    for root, reason in blocked.items():
        run.tally.retracted(kind=type_of(root), name=name_of(root), reason=reason)
    return blocked


def is_real(record: Record) -> bool:
    """Say whether the record is of something in the cloud, and not of a group or a provider."""
    return record.custom and not record.external and not record.kind.startswith(PROVIDER_PREFIX)


def _exists(run: Run, record: Record) -> bool:
    return is_real(record) and not record.pending_replacement and not run.is_gone(record.urn)


def reached_from(roots: Iterable[Record], records: Sequence[Record]) -> dict[str, str]:
    """Return the URNs of the roots and of all that they need, each with the name of a user."""
    live = {record.urn: record for record in records if not record.doomed}
    reached = {record.urn: name_of(record.urn) for record in roots}
    waiting = [live[urn] for urn in reached if urn in live]
    while waiting:
        user = waiting.pop()
        for urn in user.references():
            if urn in live and urn not in reached:
                reached[urn] = name_of(user.urn)
                waiting.append(live[urn])
    return reached
