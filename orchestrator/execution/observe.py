"""Read the cloud in bulk: one list call per kind and scope, all kinds at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from orchestrator.ports.provider import Observed, Properties, Provider

PARALLEL_READS = 6
"""Kinds read at once: each API service answers one kind while the others work."""


def observe(
    provider: Provider, wanted: Mapping[str, Mapping[str, Properties]]
) -> Mapping[str, Mapping[str, Observed]]:
    """Return, per kind, those of the recorded resources that the cloud has, by id.

    Raises:
        CloudError: a service did not answer; nothing is guessed in its place.
    """
    if not wanted:
        return {}
    with ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="observe") as readers:
        reading = {
            kind: readers.submit(provider.list, kind, wanted[kind]) for kind in sorted(wanted)
        }
        return {kind: result.result() for kind, result in reading.items()}
