"""Policies, subjects and copies for tests of what backups decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.model.backup import BackupPolicy, Cluster, Copy, Listing, Subject, SubjectKind

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def policy(**other: Any) -> BackupPolicy:
    told: dict[str, Any] = {
        "name": "core",
        "grade": 5,
        "rpo_minutes": 60,
        "rto_minutes": 120,
        "keep_days": 30,
        "copies": ("city", "dr"),
        "drill_every_days": 30,
        **other,
    }
    return BackupPolicy(**told)


def subject(name: str = "gongan/population", **other: Any) -> Subject:
    told: dict[str, Any] = {
        "name": name,
        "kind": SubjectKind.SERVICE,
        "policy": policy(),
        "repositories": ("near", "far"),
        "hosts": ("db-1", "db-2"),
        "cluster": Cluster(
            name="gongan__population", version="15", port=5501, database="population"
        ),
        **other,
    }
    return Subject(**told)


def copy_of(age: timedelta, *, repository: str = "near", **other: Any) -> Copy:
    told: dict[str, Any] = {
        "subject": "gongan/population",
        "repository": repository,
        "run": f"run-{age.total_seconds():.0f}",
        "taken_at": NOW - age,
        "data_id": "d1",
        "manifest_id": "m1",
        "host": "db-1",
        "size_bytes": 1000,
        **other,
    }
    return Copy(**told)


def held(copies: Sequence[Copy]) -> Listing:
    return Listing(copies=tuple(copies))
