"""What the embedded engine itself costs, with a provider that costs nothing.

Run it with `python -m tests.engine.bench_engine`. It prints figures and judges none.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from orchestrator.model.site import Layer
from orchestrator.model.stack import StackJob, StackName
from orchestrator.ports.provider import Diff, Fault, Kind, Made, Observed, Properties
from tests.fakes.engine_site import EngineSite, job, thing
from tests.fakes.memory_provider import KINDS

FLAT = 1000
TENANTS = 35
PER_TENANT = 30


class FreeProvider:
    """Makes everything at once and remembers nothing."""

    version = "1"
    kinds: Mapping[str, Kind] = KINDS

    def check(self, kind: str, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        return inputs, ()

    def diff(self, kind: str, old: Properties, new: Properties) -> Diff:
        return Diff(changes=tuple(key for key in new if old.get(key) != new[key]))

    def create(self, kind: str, inputs: Properties) -> Made:
        return Made(id=f"id-{inputs['name']}", outputs=inputs)

    def read(self, kind: str, resource_id: str, inputs: Properties) -> Observed | None:
        return Observed(id=resource_id, properties=inputs)

    def update(self, kind: str, made: Made, *, old: Properties, new: Properties) -> Properties:
        return new

    def delete(self, kind: str, made: Made, inputs: Properties) -> None:
        return

    def list(self, kind: str, ids: Collection[str]) -> Mapping[str, Observed]:
        return {key: Observed(id=key) for key in ids}


def measured(what: str, resources: int, work: Callable[[], object]) -> None:
    """Print what one piece of work costs."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"{what:<44} {cpu:6.2f} s CPU  {wall:6.2f} s  {resources / wall:7.0f} resources/s"
        f"  peak RSS {memory_mib} MiB\n"
    )


def tenants(size: int) -> list[StackJob]:
    """Stacks as a tenant's are: a domain, its projects, and what stands in them."""
    jobs = []
    for number in range(TENANTS):
        entries = [thing("domain", size=size)]
        for other in range(PER_TENANT - 1):
            needs = "domain" if other % 6 == 0 else f"part-{other - other % 6}"
            entries.append(thing(f"part-{other}", size=size, refs={"peer": [needs, "id"]}))
        stack = StackName(layer=Layer.TENANCY, name=f"t{number}")
        jobs.append(job(*entries, stack=stack))
    return jobs


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        site = EngineSite(Path(folder), FreeProvider())
        flat = job(*(thing(f"n{i}", size=1) for i in range(FLAT)))
        changed = job(*(thing(f"n{i}", size=2) for i in range(FLAT)))
        small = job(thing("a"), stack=StackName(layer=Layer.TENANCY, name="small"))
        measured("first run of one resource (imports Pulumi)", 1, lambda: site.update(small))
        measured(f"preview of {FLAT} new resources", FLAT, lambda: site.preview(flat))
        measured(f"create {FLAT} resources", FLAT, lambda: site.update(flat))
        measured(f"preview of {FLAT} unchanged", FLAT, lambda: site.preview(flat))
        measured(f"update {FLAT} resources", FLAT, lambda: site.update(changed))
        first, second, count = tenants(1), tenants(2), TENANTS * PER_TENANT
        about = f"{TENANTS} stacks of {PER_TENANT}"
        measured(f"create {about}", count, lambda: [site.update(tenant) for tenant in first])
        measured(f"read {about}", count, lambda: [site.stacks.state(t.stack) for t in first])
        measured(f"preview {about}", count, lambda: [site.preview(tenant) for tenant in first])
        measured(f"update {about}", count, lambda: [site.update(tenant) for tenant in second])
        sizes = [file.stat().st_size for file in Path(folder).rglob("*.json")]
        sys.stdout.write(json.dumps({"checkpoint bytes": max(sizes)}) + "\n")


if __name__ == "__main__":
    main()
