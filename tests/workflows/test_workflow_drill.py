"""A drill from the declared loss to its signed record, and every way in which it must fail."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import OrchestratorError, SiteLockedError
from orchestrator.model.backup import BackupFault
from orchestrator.model.drill import Assertion, DrillStep, StepFault, Timed
from orchestrator.model.site import Site
from orchestrator.model.verdict import Verdict
from orchestrator.planning.drill_choice import drill_work
from orchestrator.ports import LockHolder
from orchestrator.spec.load import load_site
from orchestrator.workflows.drill import KeptDrill, drill_all, past_drills
from orchestrator.workflows.drill_run import DrillWatch
from tests.fakes.drill_world import (
    SUBJECT,
    DrillWorld,
    backup_fault,
    facts_of_population,
    host_fault,
    subject_of,
)
from tests.lab.service_town import ServiceTown


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return load_site(ServiceTown(tmp_path_factory.mktemp("drill")).directory).site


def drill(world: DrillWorld, told: list[tuple[str, str]] | None = None) -> KeptDrill:
    def ended(subject: str, timed: Timed, fault: StepFault | None) -> None:
        if told is not None:
            told.append((timed.step.value, fault.kind if fault else ""))

    work = drill_work(world.site, subject_of(world.site))
    (kept,) = drill_all(
        world.site, [work], world.ports(), watch=DrillWatch(ended=ended), page=lambda one: "page"
    )
    return kept


def failed(kept: KeptDrill) -> dict[str, Assertion]:
    found = [one for one in kept.drill.assertions if one.verdict is Verdict.FAIL]
    return {one.what: one for one in found}


def is_clear(world: DrillWorld) -> bool:
    return not world.isolated and not world.held


def test_a_drill_passes_and_measures_what_was_lost_and_how_long_it_took(site: Site) -> None:
    world = DrillWorld(site)
    told: list[tuple[str, str]] = []
    kept = drill(world, told)
    assert kept.drill.verdict is Verdict.PASS
    assert told == [(step.value, "") for step in DrillStep]
    assert kept.drill.rpo_seconds is not None and 300 <= kept.drill.rpo_seconds <= 310
    assert kept.drill.rto_seconds is not None and 0 < kept.drill.rto_seconds < 60
    assert is_clear(world)


def test_its_record_is_signed_kept_and_in_the_audit_log(site: Site) -> None:
    world = DrillWorld(site)
    kept = drill(world)
    (name,) = world.records
    report = world.ports().signer.verify(json.loads(world.records[name]))
    assert (report["subject"], report["verdict"]) == (SUBJECT, "pass")
    assert world.pages[name] == "page"
    acts = [(one["act"], one["facts"]) for one in world.audit.entries]
    assert [act for act, _ in acts] == ["drill-begin", "drill-end"]
    assert acts[1][1] == {
        "subject": SUBJECT,
        "repository": "dr-copies",
        "host": "dr-spare-1",
        "verdict": "pass",
        "record": kept.place,
    }


def test_a_changed_record_does_not_count(site: Site) -> None:
    world = DrillWorld(site)
    drill(world)
    ((name, text),) = world.records.items()
    assert [one.subject for one in past_drills(world.ports()).drills] == [SUBJECT]
    world.records[name] = text.replace('"fail"', '"pass"').replace('"pass"', '"passed"')
    past = past_drills(world.ports())
    assert (past.drills, list(past.doubtful)) == ((), [name])


def test_a_broken_pack_fails_it_and_the_repository_is_read_for_its_name(site: Site) -> None:
    world = DrillWorld(site, broken=("data/ab/abcdef",))
    world.faults["restore"] = backup_fault(BackupFault.BROKEN, "ciphertext verification failed")
    kept = drill(world)
    assert failed(kept)["restore"].broken == ("data/ab/abcdef",)
    assert kept.drill.rto_seconds is None
    assert is_clear(world)


def test_what_the_engine_names_is_not_looked_for_again(site: Site) -> None:
    world = DrillWorld(site)
    truncated = backup_fault(BackupFault.MISMATCH, "not an archive", "dump.pgc")
    world.faults["restore"] = truncated
    assert failed(drill(world))["restore"].broken == ("dump.pgc",)
    assert "verify" not in world.acts


def test_a_wrong_key_fails_it_by_the_keys_name_and_no_host_is_touched(site: Site) -> None:
    world = DrillWorld(site)
    world.faults["copies"] = backup_fault(BackupFault.WRONG_KEY, "wrong password")
    assert failed(drill(world))["copy"].broken == ("secret://backup/dr",)
    assert world.acts == ["copies"]


def test_a_copy_that_is_older_than_the_rpo_fails_it(site: Site) -> None:
    kept = drill(DrillWorld(site, age=timedelta(minutes=16)))
    assert list(failed(kept)) == ["RPO"]
    assert "16 min" in failed(kept)["RPO"].found


def test_missing_rows_fail_it_by_the_tables_name(site: Site) -> None:
    kept = drill(DrillWorld(site, lost_rows=1))
    assert list(failed(kept)) == ["table data.person"]
    found = failed(kept)["table data.person"]
    assert found.broken == ("data.person",)
    assert found.wanted.startswith("5,000 rows") and found.found.startswith("4,999 rows")


def test_a_login_that_is_refused_fails_it(site: Site) -> None:
    world = DrillWorld(site, refused_roles=frozenset({"app"}))
    world.secrets["secret://service/gongan/population/app"] = "app:secret"
    found = failed(drill(world))
    assert list(found) == ["login app"]


def test_no_copy_fails_it_and_says_what_was_cut_off(site: Site) -> None:
    world = DrillWorld(site)
    world.copies = [replace(world.copy, manifest_id="")]
    found = failed(drill(world))["copy"]
    assert found.broken == ("gongan/population of run r1: cut off",)


def test_a_host_that_reaches_production_gets_no_data(site: Site) -> None:
    world = DrillWorld(site, reaches=("db-1:5501",))
    found = failed(drill(world))
    assert "db-1:5501" in found["isolation"].found
    assert "restore" not in world.acts
    assert is_clear(world)


def test_silence_that_no_firewall_made_proves_nothing(site: Site) -> None:
    kept = drill(DrillWorld(site, drops=0))
    assert kept.drill.verdict is Verdict.UNKNOWN
    assert {one.what for one in kept.drill.assertions if one.verdict is Verdict.UNKNOWN} == {
        "isolation",
        "RTO",
    }


def test_a_host_that_cannot_be_cleared_gets_no_data(site: Site) -> None:
    world = DrillWorld(site)
    world.faults["remove"] = backup_fault(BackupFault.SILENT, "dr-spare-1: does not answer")
    found = failed(drill(world))
    assert "does not answer" in found["isolation"].found
    assert "restore" not in world.acts


def test_a_host_that_goes_silent_before_it_is_isolated_fails_it(site: Site) -> None:
    world = DrillWorld(site)
    world.faults["isolate"] = host_fault("dr-spare-1: does not answer")
    assert list(failed(drill(world))) == ["isolation"]
    assert is_clear(world)


def test_what_a_killed_drill_left_is_removed_by_the_next(site: Site) -> None:
    world = DrillWorld(site)
    world.held["dr-spare-1"] = facts_of_population(world.copy.taken_at)
    world.isolated.add("dr-spare-1")
    assert drill(world).drill.verdict is Verdict.PASS
    assert is_clear(world)


def test_what_cannot_be_removed_stays_cut_off_and_fails_the_drill(site: Site) -> None:
    world = DrillWorld(site)

    class Fading(dict[str, object]):
        """Removing fails from the second time on: clearing works, tearing down does not."""

        def __contains__(self, act: object) -> bool:
            return act == "remove" and world.acts.count("remove") > 1

        def __getitem__(self, act: str) -> object:
            return backup_fault(BackupFault.BUSY, "another run works on it")

    world.faults = Fading()  # type: ignore[assignment] # a dict of this one fault
    kept = drill(world)
    assert list(failed(kept)) == ["tear-down"]
    assert world.isolated == {"dr-spare-1"}


def test_an_interrupt_clears_the_host_and_leaves_no_record(site: Site) -> None:
    world = DrillWorld(site)
    world.faults["restore"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        drill(world)
    assert is_clear(world)
    assert world.records == {}
    facts = world.audit.entries[-1]["facts"]
    assert isinstance(facts, dict) and facts["verdict"] == "interrupted"


def test_two_drills_at_once_are_refused(site: Site) -> None:
    world = DrillWorld(site)
    world.lock.taken_by = LockHolder(who="wang", host="ops", pid=1, since="now", why="drill")
    with pytest.raises(SiteLockedError):
        drill(world)
    assert world.acts == []


def test_a_clock_that_is_an_hour_off_is_told(site: Site) -> None:
    kept = drill(DrillWorld(site, clock_offset=3600.0))
    assert list(failed(kept)) == ["clock"]


def test_passwords_are_in_no_record(site: Site) -> None:
    world = DrillWorld(site)
    world.secrets["secret://service/gongan/population/app"] = "population_app:canary-4711"
    drill(world)
    assert "canary-4711" not in json.dumps(list(world.records.values()) + world.audit.entries)


def test_a_role_without_a_login_in_the_vault_is_unknown_and_not_tried_on_the_host(
    site: Site,
) -> None:
    world = DrillWorld(site)
    del world.secrets["secret://service/gongan/population/app"]
    kept = drill(world)
    assert kept.drill.verdict is Verdict.UNKNOWN and not failed(kept)
    told = {one.what: one for one in kept.drill.assertions}["login app"]
    assert (told.verdict, told.found) == (Verdict.UNKNOWN, "the vault has no login of it")
    assert "app" not in {one.role for one in kept.drill.evidence.logins or ()}


def test_a_login_that_was_retired_is_none(site: Site) -> None:
    world = DrillWorld(site)
    world.secrets["secret://service/gongan/population/app"] = "population_app:"
    assert drill(world).drill.verdict is Verdict.UNKNOWN


def test_a_record_that_cannot_be_written_is_told_with_the_verdict(site: Site) -> None:
    world = DrillWorld(site, unwritten=OSError(28, "No space left on device"))
    with pytest.raises(OrchestratorError, match=r"ended with `pass`.*No space left on device"):
        drill(world)
    ending = world.audit.entries[-1]
    assert ending["act"] == "drill-end"
    facts = ending["facts"]
    assert isinstance(facts, dict)
    assert (facts["verdict"], facts["record"]) == ("pass", "not written")


def test_a_repository_that_cannot_be_read_as_a_whole_fails_it_by_the_files_name(
    site: Site,
) -> None:
    """What is damaged may be the newest copy."""
    world = DrillWorld(site, damaged={SUBJECT: ("/srv/backup/x/snapshots/ab",)})
    assert failed(drill(world))["copy"].broken == ("/srv/backup/x/snapshots/ab",)
