"""Continuous archives: how they stand, what is due, which one leads to a moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orchestrator.errors import RefusedError
from orchestrator.model.backup import BackupMethod, BackupRepository, Subject
from orchestrator.model.continuous import (
    Archive,
    BaseCopy,
    BaseKind,
    archive_key,
    archive_place,
)
from orchestrator.model.units import Secret, SecretRef
from orchestrator.planning.backup import Age, allowed_age, due, interval_minutes
from orchestrator.planning.continuous import (
    archive_standings,
    archives_due,
    choose_archive,
    due_copy,
    due_kind,
)
from tests.planning.backup_city import NOW, copy_of, held, policy, subject

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def archived(**other: object) -> Subject:
    return subject(policy=policy(method=BackupMethod.CONTINUOUS, rpo_minutes=10, **other))


def base(age: timedelta, kind: BaseKind = BaseKind.FULL) -> BaseCopy:
    return BaseCopy(
        label=f"{age.total_seconds():.0f}",
        kind=kind,
        begun_at=NOW - age,
        ended_at=NOW - age,
        size_bytes=1000,
    )


def archive(*copies: BaseCopy, repository: str = "near", newest: timedelta = MINUTE) -> Archive:
    return Archive(
        subject="gongan/population",
        repository=repository,
        copies=copies,
        newest_segment="00000001000000000000000C",
        archived_at=NOW - newest,
    )


def both(near: Archive | str, far: Archive | str) -> dict[str, dict[str, Archive | str]]:
    return {"near": {"gongan/population": near}, "far": {"gongan/population": far}}


@pytest.mark.parametrize(
    ("near", "age"),
    [
        (archive(base(HOUR)), Age.OK),
        (archive(base(HOUR), newest=10 * MINUTE), Age.OK),
        (archive(base(HOUR), newest=11 * MINUTE), Age.LATE),
        (archive(base(HOUR), newest=-HOUR), Age.UNKNOWN),
        (archive(), Age.NONE),
        (Archive(subject="gongan/population", repository="near"), Age.NONE),
        ("it does not answer", Age.UNKNOWN),
    ],
)
def test_an_archive_stands_by_its_newest_change(near: Archive | str, age: Age) -> None:
    rows = archive_standings([archived()], both(near, archive(base(HOUR))), now=NOW)
    assert [(row.repository, row.age) for row in rows] == [("near", age), ("far", Age.OK)]


def test_a_repository_that_cannot_be_asked_is_not_taken_for_well() -> None:
    rows = archive_standings([archived()], {"near": "silent"}, now=NOW)
    assert [(row.age, row.reason) for row in rows] == [
        (Age.UNKNOWN, "silent"),
        (Age.UNKNOWN, "it is not declared"),
    ]


def test_subjects_without_such_a_policy_have_no_archive() -> None:
    assert archive_standings([subject()], {}, now=NOW) == ()


@pytest.mark.parametrize(
    ("copies", "kind"),
    [
        ([], BaseKind.FULL),
        ([base(7 * DAY)], BaseKind.FULL),
        ([base(7 * DAY), base(HOUR, BaseKind.INCREMENTAL)], BaseKind.FULL),
        ([base(DAY)], BaseKind.DIFFERENTIAL),
        ([base(2 * DAY), base(HOUR, BaseKind.INCREMENTAL)], BaseKind.DIFFERENTIAL),
        ([base(2 * DAY), base(6 * HOUR, BaseKind.DIFFERENTIAL)], BaseKind.INCREMENTAL),
        ([base(5 * HOUR)], None),
        (
            [
                base(2 * DAY),
                base(8 * HOUR, BaseKind.DIFFERENTIAL),
                base(HOUR, BaseKind.INCREMENTAL),
            ],
            None,
        ),
        ([base(-DAY)], BaseKind.FULL),
    ],
)
def test_the_copy_that_is_due_follows_from_those_there_are(
    copies: list[BaseCopy], kind: BaseKind | None
) -> None:
    assert due_kind(copies, now=NOW) is kind


def test_an_archive_that_stands_still_is_due_before_its_rpo_is_over() -> None:
    well = archive(base(HOUR), newest=4 * MINUTE)
    still = archive(base(HOUR), repository="far", newest=5 * MINUTE)
    assert archives_due([archived()], both(well, still), now=NOW) == {"gongan/population": ("far",)}
    assert archives_due([archived()], both(well, "silent"), now=NOW) == {
        "gongan/population": ("far",)
    }
    assert archives_due([archived()], both(well, well), now=NOW) == {}


def test_the_near_archive_is_chosen_with_the_newest_copy_before_the_moment() -> None:
    copies = (base(3 * HOUR), base(2 * HOUR), base(HOUR))
    known = both(archive(*copies), archive(*copies, repository="far"))
    chosen = choose_archive(archived(), known, at=NOW - 90 * MINUTE)
    assert (chosen.archive.repository, chosen.begins) == ("near", copies[1])
    far = choose_archive(archived(), known, at=NOW - 90 * MINUTE, repository="far")
    assert far.archive.repository == "far"


def test_the_end_is_where_the_archive_that_leads_furthest_ends() -> None:
    known = both(archive(base(HOUR), newest=9 * MINUTE), archive(base(HOUR), repository="far"))
    assert choose_archive(archived(), known, at=None).archive.repository == "far"


@pytest.mark.parametrize("at", [NOW - 2 * HOUR, NOW, NOW + HOUR])
def test_a_moment_that_no_archive_leads_to_is_refused_with_the_spans(at: datetime) -> None:
    known = both(archive(base(HOUR)), "it does not answer")
    with pytest.raises(RefusedError) as refused:
        choose_archive(archived(), known, at=at)
    assert "near leads from 2026-11-22T11:00:00+00:00 to 2026-11-22T11:59:00+00:00" in str(
        refused.value
    )
    assert "far cannot be asked: it does not answer" in str(refused.value)


def test_a_subject_without_an_archive_goes_back_to_no_moment() -> None:
    with pytest.raises(RefusedError, match="has no archive"):
        choose_archive(subject(), {}, at=NOW)


def test_where_an_archive_keeps_the_rpo_a_dump_a_day_is_enough() -> None:
    one = archived()
    assert (interval_minutes(one.policy), allowed_age(one.policy)) == (1440, 2 * DAY)
    listing = {"near": held([copy_of(23 * HOUR)]), "far": held([copy_of(DAY, repository="far")])}
    assert due([one], listing, now=NOW) == {"gongan/population": ("far",)}


def test_a_key_opens_one_archive_and_is_no_way_to_the_repository_s_own() -> None:
    master = Secret("of the repository")
    keys = {archive_key(master, name).reveal() for name in ("a/b", "a/c")}
    keys.add(archive_key(Secret("of another"), "a/b").reveal())
    assert len(keys) == 3 and all(len(key) == 64 for key in keys)
    assert archive_key(master, "a/b").reveal() in keys


def test_a_service_has_a_user_and_a_folder_of_its_own_on_the_server() -> None:
    store = BackupRepository(
        name="near", region="city", server="bak-1", key=SecretRef("secret://backup/city")
    )
    place = archive_place(archived(), store)
    assert place.folder == "/srv/backup/.archive/gongan__population"
    assert place.user.startswith("archive-") and len(place.user) <= 32


@pytest.mark.parametrize(
    ("timeline", "due_now"),
    [("00000001", None), ("", None), ("00000002", BaseKind.INCREMENTAL)],
)
def test_once_the_log_took_another_way_a_copy_is_due_to_begin_from_there(
    timeline: str, due_now: BaseKind | None
) -> None:
    """A copy younger than the moment that a service went back to leads to nothing after it."""
    begins = replace(base(HOUR), timeline="00000001" if timeline else "")
    segment = f"{timeline or '00000001'}000000000000000D"
    found = replace(archive(begins), newest_segment=segment)
    assert due_copy(found, now=NOW) is due_now
