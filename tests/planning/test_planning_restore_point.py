"""Restores to a moment: what happens, and what proves that it is that moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestrator.model.backup import (
    BackupRepository,
    Cluster,
    Facts,
    Holding,
    Place,
    Sentinel,
    TableFacts,
)
from orchestrator.model.continuous import Archive, BaseCopy, BaseKind
from orchestrator.model.units import SecretRef
from orchestrator.model.verdict import Verdict
from orchestrator.planning.continuous import Chosen
from orchestrator.planning.restore_point import PointPlan, judge_point, steps_of_point
from orchestrator.ports.backup import Store
from tests.fakes.bmc_site import server
from tests.planning.backup_city import NOW, subject

AT = NOW - timedelta(minutes=30)
CLUSTER = Cluster(name="gongan__population", version="15", port=5501, database="population")


def plan(**other: Any) -> PointPlan:
    begins = BaseCopy(
        label="20261122-100000F",
        kind=BaseKind.FULL,
        begun_at=NOW - timedelta(hours=2),
        ended_at=NOW - timedelta(hours=2),
        size_bytes=1,
    )
    archive = Archive(
        subject="gongan/population", repository="far", copies=(begins,), archived_at=NOW
    )
    told: dict[str, Any] = {
        "subject": subject(),
        "chosen": Chosen(archive=archive, begins=begins),
        "at": AT,
        "run": "r1",
        "store": Store(
            repository=BackupRepository(
                name="far", region="dr", server="dr-bak-1", key=SecretRef("secret://backup/dr")
            ),
            server=server("dr-bak-1"),
        ),
        "place": Place(server="db-1", cluster=CLUSTER),
        "server": server("db-1"),
        "holding": Holding(cluster=True, running=True, in_recovery=False, rows=5),
        "extensions": ("pgaudit",),
        **other,
    }
    return PointPlan(**told)


def found(at: datetime | None, **other: Any) -> Facts:
    told: dict[str, Any] = {
        "tables": {"data.person": TableFacts(rows=3, checksum="1")},
        "extensions": {"pgaudit": "1.7"},
        "sentinel": None if at is None else Sentinel(id=4, written_at=at),
        **other,
    }
    return Facts(**told)


def verdicts(facts: Facts, **other: Any) -> dict[str, Verdict]:
    compared = judge_point(plan(**other), facts, ended_at=NOW)
    return {one.what: one.verdict for one in compared}


def test_a_service_that_goes_back_keeps_what_it_had_and_its_replicas_are_named() -> None:
    steps = "\n".join(steps_of_point(plan()))
    assert "keep its data as gongan__population.before-r1" in steps
    assert "--rebuild for db-2" in steps
    assert "20261122-100000F" in steps and AT.isoformat() in steps


def test_elsewhere_nothing_is_stopped() -> None:
    steps = "\n".join(steps_of_point(plan(place=Place(server="s", cluster=CLUSTER, make=True))))
    assert "Stop" not in steps and "--rebuild" not in steps and steps.startswith("Make ")


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (AT - timedelta(minutes=5), Verdict.PASS),
        (AT + timedelta(seconds=2), Verdict.PASS),
        (AT + timedelta(seconds=3), Verdict.FAIL),
        (None, Verdict.UNKNOWN),
    ],
)
def test_a_row_that_is_younger_than_the_moment_is_a_fault(
    at: datetime | None, verdict: Verdict
) -> None:
    assert verdicts(found(at))["newest sentinel row"] is verdict


def test_to_the_end_of_the_archive_no_row_is_too_young() -> None:
    assert verdicts(found(NOW), at=None)["newest sentinel row"] is Verdict.PASS


def test_what_the_service_declares_must_be_there_and_no_table_proves_nothing() -> None:
    assert verdicts(found(AT, extensions={}))["extension pgaudit"] is Verdict.FAIL
    assert verdicts(found(AT, tables={}))["tables"] is Verdict.UNKNOWN
