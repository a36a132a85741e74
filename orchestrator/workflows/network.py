"""The network layer's jobs before anything is pushed: compile it, and verify what was compiled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from pathlib import Path

from orchestrator.compile.targets import Compiled, compile_network
from orchestrator.model.network import Platform
from orchestrator.model.site import Site
from orchestrator.verify.judge import Judge, Verdict


def compiled_for(
    site: Site, *, today: date, kinds: Collection[Platform] = ()
) -> tuple[Compiled, ...]:
    """Return the configurations of a site; kinds narrow them where given."""
    compiled = compile_network(site, today=today)
    return tuple(one for one in compiled if not kinds or one.kind in kinds)


def write_configurations(compiled: Collection[Compiled], folder: Path) -> None:
    """Write each configuration into its file below a folder, which is made where it is missing."""
    for one in compiled:
        path = folder / one.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.text, encoding="utf-8")


def verify_network(
    site: Site, *, today: date, compiled: Collection[Compiled]
) -> tuple[Verdict, ...]:
    """Return how each compiled text was judged: read again, and compared with the flows."""
    judge = Judge(site, today=today)
    verdicts: list[Verdict] = []
    for one in compiled:
        if one.kind is Platform.NFTABLES:
            verdicts.append(judge.firewall(one.region, one.text))
        elif one.kind is not Platform.FRR:
            verdicts.append(
                judge.switch(one.name, one.text, kind=one.kind.value, region=one.region)
            )
    routers: dict[str, list[str]] = defaultdict(list)
    for one in compiled:
        if one.kind is Platform.FRR:
            routers[one.region].append(one.text)
    if routers:
        verdicts.append(judge.routers(routers))
    return tuple(verdicts)
