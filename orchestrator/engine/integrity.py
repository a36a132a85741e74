"""Whether a state hangs together: what Pulumi's own engine demands of a snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.engine.deployment import Deployment
from orchestrator.engine.records import Record
from orchestrator.engine.urn import PROVIDER_PREFIX, name_of, qualified_type, type_of
from orchestrator.errors import StateError

_SHOWN_FAULTS = 5


def verify(deployment: Deployment, *, where: str) -> None:
    """Raise StateError, with the first few faults, where the state does not hang together."""
    faults = tuple(find_faults(deployment))
    if not faults:
        return
    shown = "; ".join(faults[:_SHOWN_FAULTS])
    more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
    raise StateError(
        f"{where} does not hang together: {shown}{more}",
        remedy="Export the stack again, or repair the file by hand, and load it once more.",
    )


def find_faults(deployment: Deployment) -> Iterator[str]:
    """Yield what is wrong with the order and the references of the records."""
    live: set[str] = set()
    seen: set[str] = set()
    providers: set[str] = set()
    for record in deployment.records:
        if not _well_named(record):
            yield f"{record.urn!r} is not the URN of a {record.kind}"
            continue
        if not record.doomed and record.urn in live:
            yield f"{record.urn} stands there twice"
        yield from _reference_faults(record, seen, providers)
        seen.add(record.urn)
        if not record.doomed:
            live.add(record.urn)
        if record.kind.startswith(PROVIDER_PREFIX):
            providers.add(f"{record.urn}::{record.id}")


def _well_named(record: Record) -> bool:
    parts = record.urn.split("::", 3)
    if len(parts) != 4 or not record.urn.startswith("urn:pulumi:"):
        return False
    return bool(name_of(record.urn) and qualified_type(record.urn)) and (
        type_of(record.urn) == record.kind
    )


def _reference_faults(record: Record, seen: set[str], providers: set[str]) -> Iterator[str]:
    for urn in dict.fromkeys(record.references()):
        if urn not in seen:
            yield f"{record.urn} refers to {urn}, which does not stand before it"
    is_provider = record.kind.startswith(PROVIDER_PREFIX)
    if record.custom and not is_provider and record.provider not in providers:
        yield f"{record.urn} has the provider {record.provider!r}, which does not stand before it"
    if record.custom and not record.id:
        yield f"{record.urn} has no id"
