"""Which copy goes where, what is lost there, and when what came back is not what was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import RefusedError
from orchestrator.model.backup import Facts, FileFacts, Sentinel, Subject, SubjectKind, TableFacts
from orchestrator.model.verdict import Verdict
from orchestrator.planning.restore import Destination, choose_copy, compare, place_of
from tests.planning.backup_city import NOW, copy_of, subject

FACTS = Facts(
    tables={
        "data.person": TableFacts(rows=3, checksum="7"),
        "data.empty": TableFacts(rows=0, checksum="0"),
    },
    extensions={"postgis": "3.3.2"},
    roles=("owner",),
    sentinel=Sentinel(id=4, written_at=NOW),
)


def verdicts(found: Facts, wanted: Facts = FACTS) -> dict[str, Verdict]:
    return {one.what: one.verdict for one in compare(wanted, found)}


def test_the_newest_whole_copy_is_taken_and_of_equals_the_near_one() -> None:
    cut = copy_of(timedelta(0), manifest_id="")
    copies = [
        copy_of(timedelta(hours=1), repository="far"),
        copy_of(timedelta(hours=1), repository="near"),
        copy_of(timedelta(hours=2), repository="near"),
        cut,
    ]
    chosen = choose_copy(subject(), copies, now=NOW)
    assert (chosen.repository, chosen.taken_at) == ("near", NOW - timedelta(hours=1))
    assert choose_copy(subject(), copies, now=NOW, repository="far").repository == "far"


def test_a_copy_that_was_cut_off_is_refused_by_its_state() -> None:
    with pytest.raises(RefusedError, match="was cut off"):
        choose_copy(subject(), [copy_of(timedelta(0), manifest_id="")], now=NOW)
    with pytest.raises(RefusedError, match="is not there"):
        choose_copy(subject(), [copy_of(timedelta(0))], now=NOW, run="another")


def test_what_is_the_same_passes() -> None:
    assert set(verdicts(FACTS).values()) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (
            {"tables": {**FACTS.tables, "data.person": TableFacts(rows=2, checksum="7")}},
            "table data.person",
        ),
        (
            {"tables": {**FACTS.tables, "data.person": TableFacts(rows=3, checksum="8")}},
            "table data.person",
        ),
        ({"tables": {"data.person": FACTS.tables["data.person"]}}, "table data.empty"),
        ({"extensions": {}}, "extension postgis"),
        ({"roles": ()}, "role owner"),
        ({"sentinel": None}, "sentinel row"),
        ({"sentinel": Sentinel(id=3, written_at=NOW)}, "sentinel row"),
    ],
)
def test_one_difference_fails_one_thing(changed: dict[str, object], what: str) -> None:
    found = replace(FACTS, **changed)  # type: ignore[arg-type] # one field of several types
    failed = [name for name, verdict in verdicts(found).items() if verdict is Verdict.FAIL]
    assert failed == [what]


def test_a_file_that_changed_meanwhile_is_unknown_and_one_that_is_missing_fails() -> None:
    wanted = Facts(
        files={
            "/a": FileFacts(size_bytes=1, sha256="aa"),
            "/b": FileFacts(size_bytes=1, sha256=""),
            "/c": FileFacts(size_bytes=1, sha256=""),
        }
    )
    found = Facts(
        files={
            "/a": FileFacts(size_bytes=1, sha256="ab"),
            "/b": FileFacts(size_bytes=1, sha256="bb"),
        }
    )
    assert verdicts(found, wanted) == {
        "/a": Verdict.FAIL,
        "/b": Verdict.UNKNOWN,
        "/c": Verdict.FAIL,
    }


def test_elsewhere_is_a_cluster_of_its_own_and_home_is_the_services() -> None:
    home = place_of(subject(), Destination(), home=None, run="r")
    assert home.cluster == subject().cluster and not home.make
    away = place_of(subject(), Destination(host="spare"), home=None, run="r")
    assert away.make and away.cluster is not None
    assert (away.cluster.name, away.cluster.port) == ("gongan__population_restored", 15501)


def test_files_go_home_to_the_root_and_elsewhere_to_a_folder() -> None:
    files = Subject(
        name="etc/a",
        kind=SubjectKind.FILES,
        policy=subject().policy,
        repositories=("near",),
        hosts=("a",),
    )
    assert place_of(files, Destination(), home=None, run="r").folder == "/"
    away = place_of(files, Destination(host="spare"), home=None, run="r")
    assert (away.server, away.folder) == ("spare", "/var/lib/orchestrator-restore/r")


def test_the_sites_records_are_never_written_over_a_site() -> None:
    records = Subject(
        name="records/site", kind=SubjectKind.SITE, policy=subject().policy, repositories=("near",)
    )
    with pytest.raises(RefusedError, match="not written over"):
        place_of(records, Destination(), home=None, run="r")


def test_a_copy_from_the_future_is_not_taken_for_the_newest() -> None:
    ahead, real = copy_of(timedelta(days=-30)), copy_of(timedelta(hours=1))
    assert choose_copy(subject(), [ahead, real], now=NOW) == real
    assert choose_copy(subject(), [ahead, real], now=NOW, run=ahead.run) == ahead
    assert choose_copy(subject(), [ahead], now=NOW) == ahead


@pytest.mark.parametrize(
    ("kind", "wanted", "option"),
    [
        (SubjectKind.SERVICE, Destination(folder="/srv/back"), "--folder"),
        (SubjectKind.FILES, Destination(name="other"), "--as"),
        (SubjectKind.FILES, Destination(folder="back"), "--folder"),
        (SubjectKind.SITE, Destination(folder="back", host="spare"), "--to"),
    ],
)
def test_a_destination_of_another_kind_is_not_left_unheard(
    kind: SubjectKind, wanted: Destination, option: str
) -> None:
    service = subject()
    cluster = service.cluster if kind is SubjectKind.SERVICE else None
    with pytest.raises(RefusedError, match=option):
        place_of(replace(service, kind=kind, cluster=cluster), wanted, home=None, run="r")
