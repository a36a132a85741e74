"""What is due, what is late, what may go, who may write what: without any host."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model.backup import Listing, SubjectKind
from orchestrator.model.site import Site
from orchestrator.planning.backup import (
    Age,
    due,
    interval_minutes,
    standings,
    subjects_of,
    to_prune,
)
from orchestrator.planning.backup_leave import preparation
from orchestrator.spec.load import load_site
from tests.planning.backup_city import NOW, copy_of, held, policy, subject

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CASES = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Site:
    import shutil

    directory = tmp_path_factory.mktemp("site")
    shutil.copytree(CASES / "cases" / "_base", directory, dirs_exist_ok=True)
    shutil.copytree(CASES / "lab" / "service_city", directory, dirs_exist_ok=True)
    return load_site(directory).site


def test_everything_with_a_policy_is_a_subject_in_each_region_of_it(city: Site) -> None:
    found = {one.name: one for one in subjects_of(city)}
    assert found["gongan/population"].cluster is not None
    assert found["gongan/population"].cluster.name == "gongan__population"
    assert found["gongan/population"].hosts == ("db-1", "db-2", "dr-db-1")
    assert found["platform/db-2"].paths == ("/etc",)
    assert found["records/site"].kind is SubjectKind.SITE
    assert {one.repositories for one in found.values()} == {("city-copies", "dr-copies")}


def test_a_host_may_write_its_own_subjects_and_no_others(city: Site) -> None:
    ready = preparation(city, subjects_of(city), readers={})
    told = ready.variables["bak-1"]["backup"]
    assert isinstance(told, dict)
    repository = told["repository"]
    assert isinstance(repository, dict) and isinstance(repository["writers"], list)
    leave = {one["host"]: one["subjects"] for one in repository["writers"]}  # type: ignore[index, call-overload] # JSON
    assert "platform/db-1" in leave["db-1"] and "platform/db-2" not in leave["db-1"]
    assert "gongan/population" in leave["dr-spare-1"], "a restore host reads all"
    assert "records/site" not in leave["db-1"], "the site's records come from here alone"


def test_only_hosts_that_take_in_others_services_get_databases(city: Site) -> None:
    ready = preparation(city, subjects_of(city), readers={})
    wanted = {name: told["backup"]["packages"] for name, told in ready.variables.items()}  # type: ignore[index, call-overload] # JSON
    assert (
        "postgresql-15" in wanted["dr-spare-1"]
        and "postgresql-15-postgis-3" in wanted["dr-spare-1"]
    )
    assert wanted["db-1"] == [] and wanted["bak-1"] == []


def test_a_reader_of_one_subject_gets_that_one(city: Site) -> None:
    ready = preparation(city, subjects_of(city), readers={"node-1": ["fagai/credit"]})
    told = ready.variables["dr-bak-1"]["backup"]["repository"]["writers"]  # type: ignore[index, call-overload] # JSON
    assert {"host": "node-1", "subjects": ["fagai/credit"]} in told  # type: ignore[operator] # JSON


def test_a_repository_that_lacks_a_copy_is_due_and_a_young_one_is_not() -> None:
    listed = {"near": held([copy_of(timedelta(minutes=10))]), "far": held([])}
    assert due([subject()], listed, now=NOW) == {"gongan/population": ("far",)}


def test_a_repository_that_cannot_be_asked_is_unknown_and_due() -> None:
    listed = {"near": held([copy_of(timedelta(minutes=10))]), "far": "no route to host"}
    near, far = standings([subject()], listed, now=NOW)
    assert (near.age, far.age, far.reason) == (Age.OK, Age.UNKNOWN, "no route to host")
    assert due([subject()], listed, now=NOW) == {"gongan/population": ("far",)}


def test_older_than_the_rpo_is_late_and_cut_off_is_no_copy() -> None:
    cut = copy_of(timedelta(minutes=1), manifest_id="")
    listed = {"near": held([copy_of(2 * HOUR), cut]), "far": held([cut])}
    near, far = standings([subject()], listed, now=NOW)
    assert (near.age, near.whole, near.cut_off) == (Age.LATE, 1, 1)
    assert (far.age, far.cut_off) == (Age.NONE, 1)


def test_what_cannot_be_read_is_told_beside_what_can() -> None:
    bad = {"gongan/population": ("/srv/backup/x/snapshots/ab",)}
    listed: dict[str, Listing | str] = {
        "near": replace(held([copy_of(timedelta(minutes=10))]), damaged=bad),
        "far": replace(held([]), damaged=bad),
    }
    near, far = standings([subject()], listed, now=NOW)
    assert (near.age, near.whole, near.damaged) == (Age.DAMAGED, 1, bad["gongan/population"])
    assert (far.age, far.newest) == (Age.DAMAGED, None) and "snapshots/ab" in far.reason
    assert due([subject()], listed, now=NOW) == {"gongan/population": ("far",)}


@pytest.mark.parametrize(
    ("figures", "minutes"),
    [
        ({"rpo_minutes": 15}, 7),
        ({"rpo_minutes": 1}, 1),
        ({"rpo_minutes": 0}, 60),
        ({"rpo_minutes": 10_080}, 1440),
        ({"rpo_minutes": 15, "every_minutes": 5}, 5),
    ],
)
def test_the_interval_follows_from_the_rpo(figures: dict[str, int], minutes: int) -> None:
    assert interval_minutes(policy(**figures)) == minutes


def test_old_days_keep_their_last_copy_and_the_rest_goes() -> None:
    copies = [copy_of(HOUR), copy_of(2 * HOUR), copy_of(5 * DAY), copy_of(5 * DAY + HOUR)]
    gone = to_prune(subject(policy=policy(keep_all_days=2)), copies, now=NOW)
    assert [copy.run for copy in gone] == [copies[3].run]


def test_nothing_immutable_goes_whatever_else_is_said() -> None:
    strict = policy(keep_days=1, keep_all_days=1, immutable_days=7)
    copies = [copy_of(HOUR), copy_of(6 * DAY), copy_of(8 * DAY)]
    gone = to_prune(subject(policy=strict), copies, now=NOW)
    assert [copy.run for copy in gone] == [copies[2].run]


def test_the_newest_whole_copy_stays_for_ever() -> None:
    only = copy_of(400 * DAY)
    cut = copy_of(3 * DAY, manifest_id="")
    assert to_prune(subject(), [only, cut], now=NOW) == (cut,)


@given(
    ages=st.lists(st.integers(0, 60 * 24 * 90), max_size=40, unique=True),
    immutable=st.integers(0, 40),
    keep=st.integers(1, 60),
)
def test_pruning_keeps_what_must_stay_and_is_done_once(
    ages: list[int], immutable: int, keep: int
) -> None:
    wanted = subject(policy=policy(keep_days=keep, immutable_days=immutable))
    copies = [copy_of(timedelta(minutes=age)) for age in ages]
    gone = to_prune(wanted, copies, now=NOW)
    left = [copy for copy in copies if copy not in gone]
    assert not copies or min(copies, key=lambda c: NOW - c.taken_at) in left
    assert all(NOW - copy.taken_at >= timedelta(days=immutable) for copy in gone)
    assert to_prune(wanted, left, now=NOW) == ()


def test_a_copy_from_the_future_neither_hides_the_real_age_nor_stops_the_next_copy() -> None:
    ahead = copy_of(-30 * DAY)
    listed = {"near": held([copy_of(2 * HOUR), ahead]), "far": held([ahead])}
    near, far = standings([subject()], listed, now=NOW)
    assert (near.age, near.whole) == (Age.LATE, 2)
    assert (far.age, far.whole) == (Age.UNKNOWN, 1) and "future" in far.reason
    assert due([subject()], listed, now=NOW) == {"gongan/population": ("near", "far")}


def test_clocks_of_two_machines_may_differ_by_a_little() -> None:
    listed = {name: held([copy_of(timedelta(minutes=-4))]) for name in ("near", "far")}
    assert {one.age for one in standings([subject()], listed, now=NOW)} == {Age.OK}
    assert due([subject()], listed, now=NOW) == {}


def test_a_copy_from_the_future_is_not_the_one_that_stays_for_ever() -> None:
    ahead, real = copy_of(-30 * DAY), copy_of(400 * DAY)
    assert to_prune(subject(), [ahead, real], now=NOW) == ()
