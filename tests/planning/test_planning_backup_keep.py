"""Which part of a repository is read when, and when nothing is pruned."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model.backup import PARTS, Listing
from orchestrator.planning.backup_keep import Pruning, parts_due, pruning
from tests.planning.backup_city import NOW, copy_of, held, policy, subject

DAY = timedelta(days=1)
ALL = tuple(range(PARTS))


@given(pause=st.integers(1, 14), every=st.integers(1, 30))
def test_however_often_it_runs_nothing_is_left_unread_for_longer_than_the_policy_says(
    pause: int, every: int
) -> None:
    """Where it runs less often than that, each run reads all: more nobody can do."""
    read: list[datetime | None] = [None] * PARTS
    for run in range(60 // pause + 3):
        now = NOW + run * pause * DAY
        for part in parts_due(read, policy=policy(verify_every_days=every), now=now):
            read[part] = now
        oldest = min(at for at in read if at is not None)
        assert now - oldest <= timedelta(days=max(every - 1, 0)) or now == oldest


def test_read_daily_each_day_has_its_share_and_read_weekly_all_is_read() -> None:
    wanted = policy(verify_every_days=8)
    read: list[datetime | None] = [NOW - DAY * (1 + number // 2) for number in ALL]
    assert parts_due(read, policy=wanted, now=NOW) == (14, 15)
    weekly: list[datetime | None] = [NOW - 7 * DAY] * PARTS
    assert parts_due(weekly, policy=policy(verify_every_days=7), now=NOW) == ALL


def test_what_was_never_read_or_is_said_to_be_read_tomorrow_comes_first() -> None:
    read: list[datetime | None] = [NOW] * PARTS
    read[5], read[9] = None, NOW + DAY
    assert {5, 9} <= {*parts_due(read, policy=policy(verify_every_days=PARTS), now=NOW)}
    assert parts_due([], policy=policy(), now=NOW) == ALL


def pruned(listed: Listing | str, *, stale: bool = False) -> Pruning:
    return pruning([subject(repositories=("near",))], {"near": listed}, now=NOW, stale=stale)


OLD = copy_of(400 * DAY)


def test_what_is_too_old_goes_where_a_new_copy_is() -> None:
    found = pruned(held([OLD, copy_of(DAY)]))
    assert found.gone == {("gongan/population", "near"): (OLD,)} and not found.kept


def test_a_clock_that_runs_ahead_everywhere_prunes_nothing() -> None:
    """All copies look a year older then: the newest of them, too."""
    found = pruned(held([OLD, copy_of(365 * DAY)]))
    assert not found.gone
    assert "its newest copy is 365 days old" in found.kept["gongan/population", "near"]
    assert pruned(held([OLD, copy_of(365 * DAY)]), stale=True).gone


@pytest.mark.parametrize(
    "listed", ["no route to host", Listing(damaged={"gongan/population": ("f",)})]
)
def test_what_nobody_knows_is_kept_and_told_also_where_it_is_stale(listed: Listing | str) -> None:
    found = pruned(listed, stale=True)
    assert not found.gone and found.kept.keys() == {("gongan/population", "near")}


def test_a_repository_without_copies_has_nothing_to_keep() -> None:
    assert pruned(held([])) == Pruning(now=NOW, gone={}, kept={})
