"""The record of a drill: what is signed, kept and shown to an assessor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from orchestrator.model.drill import (
    CLAUSES,
    FORMAT,
    Assertion,
    Drill,
    Evidence,
    Isolation,
    PastDrill,
    StepFault,
)
from orchestrator.model.units import Json
from orchestrator.model.verdict import Verdict


def record_name(drill: Drill) -> str:
    """Return the name of a drill's record: its subject and the moment of the declared loss."""
    return f"{drill.evidence.subject.name}/{drill.evidence.lost_at:%Y%m%dT%H%M%SZ}"


def drill_json(drill: Drill) -> dict[str, Json]:
    """Return a drill as it is signed and kept. Times are UTC, ISO 8601; spans are seconds."""
    evidence, policy = drill.evidence, drill.policy
    return {
        "format": FORMAT,
        "record": record_name(drill),
        "site": drill.site,
        "subject": evidence.subject.name,
        "verdict": drill.verdict.value,
        "clauses": list(CLAUSES),
        "policy": {
            "name": policy.name,
            "grade": policy.grade,
            "standard": policy.standard,
            "rpo_minutes": policy.rpo_minutes,
            "rto_minutes": policy.rto_minutes,
            "drill_every_days": policy.drill_every_days,
        },
        "lost_at": evidence.lost_at.isoformat(),
        "ended_at": evidence.ended_at.isoformat(),
        "rpo_seconds": drill.rpo_seconds,
        "rto_seconds": drill.rto_seconds,
        "copy": _copy_json(evidence),
        "host": evidence.host,
        "clock_offset_seconds": evidence.clock_offset_seconds,
        "isolation": _isolation_json(evidence.isolation),
        "assertions": [_assertion_json(one) for one in drill.assertions],
        "faults": [_fault_json(one) for one in evidence.faults],
        "steps": [
            {"step": one.step.value, "seconds": round(one.seconds, 3)} for one in evidence.steps
        ],
    }


def past_drill(report: Mapping[str, Json]) -> PastDrill:
    """Read what the calendar needs of a record whose signature is proved.

    Raises:
        ValueError: it is none of this form.
    """
    if report.get("format") != FORMAT:
        raise ValueError(f"its format is {report.get('format')!r}, not {FORMAT}")
    try:
        return PastDrill(
            subject=str(report["subject"]),
            began=datetime.fromisoformat(str(report["lost_at"])),
            verdict=Verdict(str(report["verdict"])),
            rpo_seconds=_number(report["rpo_seconds"]),
            rto_seconds=_number(report["rto_seconds"]),
            record=str(report["record"]),
        )
    except KeyError as error:
        raise ValueError(f"it has no {error}") from error


def failing(report: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    """Return the assertions of a record that did not pass."""
    assertions = cast("Sequence[Mapping[str, Json]]", report["assertions"])
    return [one for one in assertions if one["verdict"] != Verdict.PASS.value]


def _number(value: Json) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number of seconds")
    return float(value)


def _copy_json(evidence: Evidence) -> dict[str, Json]:
    copy = evidence.copy
    found: dict[str, Json] = {"repository": evidence.repository}
    if copy is not None:
        found |= {"run": copy.run, "taken_at": copy.taken_at.isoformat(), "data_id": copy.data_id}
    return found


def _isolation_json(seen: Isolation | None) -> Json:
    if seen is None:
        return None
    tried: list[Json] = [f"{one.host} {one.address}:{one.port}" for one in seen.targets]
    return {"tried": tried, "reached": list(seen.reached), "dropped_packets": seen.dropped}


def _assertion_json(one: Assertion) -> Json:
    return {
        "what": one.what,
        "wanted": one.wanted,
        "found": one.found,
        "verdict": one.verdict.value,
        "broken": list(one.broken),
    }


def _fault_json(one: StepFault) -> Json:
    return {
        "step": one.step.value,
        "kind": one.kind,
        "message": one.message,
        "broken": list(one.broken),
    }
