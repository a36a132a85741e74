"""Restore drills: bring the remote copy back on a bare host, prove it, measure, tear down, sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.errors import OrchestratorError, SignatureError
from orchestrator.model.drill import (
    Drill,
    DrillWork,
    PastDrill,
)
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.drill import judge
from orchestrator.planning.drill_record import drill_json, past_drill, record_name
from orchestrator.workflows.drill_run import DrillPorts, DrillRun, DrillWatch


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptDrill:
    """A drill with its signed record."""

    drill: Drill
    signed: Mapping[str, Json]
    place: str
    """Where the record is."""


Page = Callable[[Mapping[str, Json]], str]
"""Makes the page to read of a signed record."""


def drill_all(
    site: Site, works: Sequence[DrillWork], ports: DrillPorts, *, watch: DrillWatch, page: Page
) -> Iterator[KeptDrill]:
    """Drill subjects one after the other, and yield each when its record is kept.

    Raises:
        SiteLockedError: another drill is at work.
    """
    with ports.lock.hold(why="drill"):
        for work in works:
            name = work.subject.name
            about: dict[str, Json] = {
                "subject": name,
                "repository": work.repository,
                "host": work.host,
            }
            ports.audit.append(act="drill-begin", facts=about)
            try:
                evidence = DrillRun(site, work, ports, watch=watch).evidence()
            except BaseException:
                ports.audit.append(act="drill-end", facts={**about, "verdict": "interrupted"})
                raise
            yield _kept(
                judge(site.name, evidence, work.subject.policy), ports, page=page, about=about
            )
            if watch.stopped.is_set():
                return


def _kept(drill: Drill, ports: DrillPorts, *, page: Page, about: Mapping[str, Json]) -> KeptDrill:
    """Sign a drill and keep its record; how it ended is in the audit log also where that fails."""
    place, ending = "", {**about, "verdict": drill.verdict.value}
    try:
        signed = ports.signer.sign(drill_json(drill))
        place = ports.records.write(record_name(drill), signed=signed, page=page(signed))
    except OSError as error:
        raise OrchestratorError(
            f"the drill of {drill.evidence.subject.name} ended with `{drill.verdict.value}`, and "
            f"its record could not be written: {error}",
            remedy="Mend that, and run it again: without a record it does not count.",
        ) from error
    finally:
        ports.audit.append(act="drill-end", facts={**ending, "record": place or "not written"})
    return KeptDrill(drill=drill, signed=signed, place=place)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDrills:
    """The records of a site: those that it signed, and those that cannot be believed."""

    drills: tuple[PastDrill, ...]
    doubtful: Mapping[str, str]
    """Why, by name."""


def past_drills(ports: DrillPorts) -> PastDrills:
    """Return what was drilled before; only what this site signed counts."""
    found: list[PastDrill] = []
    doubtful: dict[str, str] = {}
    for name in ports.records.names():
        try:
            found.append(past_drill(ports.signer.verify(ports.records.read(name))))
        except SignatureError as error:
            doubtful[name] = error.message
        except ValueError as error:
            doubtful[name] = str(error)
    return PastDrills(drills=tuple(found), doubtful=doubtful)
