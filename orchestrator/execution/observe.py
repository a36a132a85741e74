"""Read the cloud in bulk: one list call per kind and scope, all kinds at the same time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from orchestrator.ports.provider import Observed, Provider

PARALLEL_READS = 6
"""Kinds read at once: each API service answers one kind while the others work."""


def observe(
    provider: Provider, wanted: Mapping[str, Collection[str]]
) -> Mapping[str, Mapping[str, Observed]]:
    """Return, per kind, those of the wanted ids that the cloud has.

    Raises:
        CloudError: a service did not answer; nothing is guessed in its place.
    """
    if not wanted:
        return {}
    with ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="observe") as readers:
        reading = {
            kind: readers.submit(provider.list, kind, ids) for kind, ids in sorted(wanted.items())
        }
        return {kind: result.result() for kind, result in reading.items()}
