"""The state on disk: never half written, folded in after a kill, checked when it is loaded."""

from __future__ import annotations

import hashlib
import json
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.deployment import Deployment
from orchestrator.engine.integrity import find_faults
from orchestrator.engine.journal import Journal, read_journal
from orchestrator.engine.records import Record, in_dependency_order
from orchestrator.engine.snapshot import Begun, Dropped, Ended, Put, Snapshot
from orchestrator.engine.state_folder import StateFolder
from orchestrator.errors import StateError
from orchestrator.model.site import Layer
from orchestrator.model.stack import StackName
from tests.fakes.engine_site import STACK, EngineSite, job, marks, thing
from tests.fakes.memory_provider import MemoryProvider

PROVIDER = "urn:pulumi:gongxin::tenant::pulumi:providers:govcloud::default"
JOURNAL = Path(".orchestrator/journals/tenant/gongxin")
CHECKPOINT = Path(".pulumi/stacks/tenant/gongxin.json")


@pytest.fixture
def world(tmp_path: Path) -> MemoryProvider:
    return MemoryProvider(tmp_path / "world.json")


@pytest.fixture
def site(tmp_path: Path, world: MemoryProvider) -> EngineSite:
    return EngineSite(tmp_path, world)


def record(name: str, *needs: str, **fields: object) -> Record:
    urn = "urn:pulumi:gongxin::tenant::govcloud:memory:Thing::"
    plain = Record(
        urn=f"{urn}{name}",
        kind="govcloud:memory:Thing",
        custom=True,
        id=f"id-{name}",
        provider=f"{PROVIDER}::1",
        dependencies=tuple(f"{urn}{needed}" for needed in needs),
    )
    return replace(plain, **fields)


def provider_record() -> Record:
    return Record(urn=PROVIDER, kind="pulumi:providers:govcloud", custom=True, id="1")


# -- the journal ----------------------------------------------------------------------------


def test_a_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    entries = [
        Begun(record("a"), "creating"),
        Put(record("a", inputs={"size": 1}, outputs={"x": [1, {"y": None}]}), dooms=True),
        Ended("urn"),
        Dropped("urn", "id"),
    ]
    journal = Journal(tmp_path / "journal", base="abc")
    for entry in entries:
        journal.append(entry)
    journal.close()
    assert list(read_journal((tmp_path / "journal").read_bytes(), base="abc")) == entries


def test_a_torn_last_line_is_no_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", base="abc")
    journal.append(Ended("first"))
    journal.append(Ended("second"))
    journal.close()
    torn = (tmp_path / "journal").read_bytes()[:-4]
    assert list(read_journal(torn, base="abc")) == [Ended("first")]


def test_a_journal_of_another_checkpoint_is_not_folded_in(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", base="abc")
    journal.append(Ended("first"))
    journal.close()
    assert list(read_journal((tmp_path / "journal").read_bytes(), base="def")) == []


def test_a_damaged_journal_is_an_error_and_not_half_a_state() -> None:
    with pytest.raises(StateError, match="damaged"):
        list(read_journal(b'{"base":"abc"}\nnonsense\n{"end":"x"}\n', base="abc"))


def test_a_killed_run_is_seen_and_folded_in(site: EngineSite, world: MemoryProvider) -> None:
    site.update(job(thing("a")))
    before = site.stacks.state(STACK)
    journal = StateFolder(site.root).journal(STACK, base=hash_of(site.root / CHECKPOINT))
    lost = record("b", provider=provider_of(site), inputs={"name": "b", "size": 1})
    journal.append(Begun(lost, "creating"))
    journal.append(Put(lost))
    journal.append(Begun(record("c", provider=provider_of(site)), "creating"))
    journal.close()

    seen = site.stacks.state(STACK)
    assert [r.name for r in seen.resources] == ["a", "b"]
    assert [urn.rpartition("::")[2] for urn in seen.interrupted] == ["c"]
    assert seen.serial != before.serial
    assert (before.digest is not None, seen.digest) == (True, None)
    assert (site.root / JOURNAL).exists()

    site.update(job(thing("a"), thing("b"), thing("c")))
    after = site.stacks.state(STACK)
    assert after.interrupted == ()
    assert sorted(r.name for r in after.resources) == ["a", "b", "c"]
    assert not (site.root / JOURNAL).exists()


def test_a_stack_that_has_only_a_killed_runs_journal_has_a_name(site: EngineSite) -> None:
    journal = StateFolder(site.root).journal(STACK, base="")
    journal.append(Put(provider_record()))
    journal.close()
    assert site.stacks.names() == (STACK,)
    assert site.stacks.state(STACK).resources == ()


def test_what_a_killed_run_was_creating_and_nobody_wants_any_more_is_deleted(
    site: EngineSite, world: MemoryProvider
) -> None:
    site.update(job(thing("a")))
    made = replace(record("b", provider=provider_of(site)), id="", inputs={"name": "b"})
    world.create(made.kind, {"name": "b"})
    journal = StateFolder(site.root).journal(STACK, base=hash_of(site.root / CHECKPOINT))
    journal.append(Begun(made, "creating"))
    journal.close()

    # It holds something: nobody said that it may go. It stays listed.
    assert marks(site.update(job(thing("a")))) == []
    assert site.stacks.state(STACK).interrupted == (made.urn,)
    assert marks(site.update(job(thing("a"), removals=frozenset({"b"})))) == ["- b"]
    assert site.stacks.state(STACK).interrupted == ()
    assert set(world.objects) == {"a"}


def test_an_interrupted_update_is_made_again(site: EngineSite, world: MemoryProvider) -> None:
    wanted = job(thing("a"))
    site.update(wanted)
    known = StateFolder(site.root).load(STACK).deployment.records[-1]
    journal = StateFolder(site.root).journal(STACK, base=hash_of(site.root / CHECKPOINT))
    journal.append(Begun(known, "updating"))
    journal.close()
    world.tamper("a", "size", 7)
    assert marks(site.update(wanted)) == ["~ a"]
    assert world.objects["a"]["size"] == 1


def test_an_interrupted_deletion_asks_the_cloud(site: EngineSite, world: MemoryProvider) -> None:
    wanted = job(thing("a"))
    site.update(wanted)
    known = StateFolder(site.root).load(STACK).deployment.records[-1]
    journal = StateFolder(site.root).journal(STACK, base=hash_of(site.root / CHECKPOINT))
    journal.append(Begun(known, "deleting"))
    journal.close()
    assert marks(site.preview(wanted)) == []
    world.lose("a")
    assert marks(site.preview(wanted)) == ["+ a"]


# -- writing --------------------------------------------------------------------------------


def test_a_preview_writes_nothing(site: EngineSite, world: MemoryProvider) -> None:
    site.preview(job(thing("a")))
    assert not site.root.exists()
    site.update(job(thing("a")))
    before = {file: file.read_bytes() for file in site.root.rglob("*") if file.is_file()}
    site.preview(job(thing("a", size=2), thing("b")))
    after = {file: file.read_bytes() for file in site.root.rglob("*") if file.is_file()}
    assert after == before


def test_an_update_that_changes_nothing_leaves_the_checkpoint_alone(site: EngineSite) -> None:
    site.update(job(thing("a")))
    before = site.stacks.state(STACK).serial
    site.update(job(thing("a")))
    assert site.stacks.state(STACK).serial == before
    site.update(job(thing("a", size=2)))
    assert site.stacks.state(STACK).serial != before


def test_the_checkpoint_before_is_kept(site: EngineSite) -> None:
    site.update(job(thing("a")))
    first = (site.root / CHECKPOINT).read_bytes()
    site.update(job(thing("a", size=2)))
    assert (site.root / f"{CHECKPOINT}.bak").read_bytes() == first


def test_the_digest_holds_for_that_checkpoint_only(site: EngineSite) -> None:
    wanted = job(thing("a"))
    site.update(wanted)
    assert site.stacks.state(STACK).digest == wanted.digest
    file = site.root / CHECKPOINT
    file.write_bytes(file.read_bytes() + b"\n")
    assert site.stacks.state(STACK).digest is None


def test_a_full_disk_stops_the_run_and_leaves_a_whole_checkpoint(
    site: EngineSite, world: MemoryProvider
) -> None:
    site.update(job(thing("a")))
    wanted = job(*(thing(f"n{i}", text="x" * 400) for i in range(40)))
    with files_no_larger_than(4000), pytest.raises(StateError, match="cannot write") as stopped:
        site.update(wanted)
    assert "run" in stopped.value.remedy
    # The old one; or a new one with the first things, where that much still went in.
    recorded = json.loads((site.root / CHECKPOINT).read_text())["checkpoint"]["latest"]
    assert "a" in {one["urn"].rpartition("::")[2] for one in recorded["resources"]}
    assert 0 < len(world.objects) < 40

    again = site.update(wanted)
    assert again.failures == ()
    assert world.ids().keys() >= {f"n{i}" for i in range(40)}
    assert sorted(world.log) == sorted({*world.log})


def test_a_disk_that_is_full_from_the_start_lets_nothing_be_made(
    site: EngineSite, world: MemoryProvider
) -> None:
    with files_no_larger_than(10), pytest.raises(StateError, match="cannot write"):
        site.update(job(thing("a")))
    assert world.objects == {}
    assert marks(site.update(job(thing("a")))) == ["+ a"]


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let every write beyond a size fail, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# -- in and out -----------------------------------------------------------------------------


def test_an_exported_state_can_be_loaded_again(site: EngineSite, world: MemoryProvider) -> None:
    wanted = job(thing("a"), thing("b", refs={"peer": ["a", "id"]}))
    site.update(wanted)
    exported = json.loads(json.dumps(site.stacks.export(STACK)))
    site.update(job(thing("a")))
    site.stacks.load(STACK, exported)
    state = site.stacks.state(STACK)
    assert [r.name for r in state.resources] == ["a", "b"]
    assert state.digest is None
    assert marks(site.preview(wanted)) == []


def test_a_stack_without_state_cannot_be_exported(site: EngineSite) -> None:
    with pytest.raises(StateError, match="has no state"):
        site.stacks.export(STACK)


def test_secrets_that_come_in_the_clear_are_encrypted(site: EngineSite) -> None:
    site.update(job(thing("a", token="canary-plain", secret=["token"])))
    exported = site.stacks.export(STACK)
    opened = json.loads(json.dumps(exported))
    for entry in opened["deployment"]["resources"]:
        for properties in (entry.get("inputs", {}), entry.get("outputs", {})):
            if "token" in properties:
                properties["token"].pop("ciphertext")
                properties["token"]["plaintext"] = '"canary-plain"'
    begun = {"resource": opened["deployment"]["resources"][-1], "type": "creating"}
    opened["deployment"]["pending_operations"] = [begun]
    site.stacks.load(STACK, opened)
    assert b"canary" not in (site.root / CHECKPOINT).read_bytes()
    assert marks(site.preview(job(thing("a", token="canary-plain", secret=["token"])))) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"version": 4, "features": ["hooks"], "deployment": {}}, "format 4"),
        ({"version": 3}, "holds no deployment"),
        ({"version": 3, "deployment": {"resources": "all"}}, "not a list of objects"),
        ({"version": 3, "deployment": {"resources": [{"urn": 7}]}}, "not in Pulumi's format"),
        (
            {"version": 3, "deployment": {"secrets_providers": {"type": "service"}}},
            "knows only passphrase",
        ),
    ],
)
def test_what_is_no_deployment_of_ours_is_refused(
    site: EngineSite, document: dict, words: str
) -> None:
    with pytest.raises(StateError, match=words):
        site.stacks.load(STACK, document)
    assert site.stacks.names() == ()


def test_the_state_of_another_stack_is_refused(site: EngineSite) -> None:
    site.update(job(thing("a")))
    other = StackName(layer=Layer.TENANCY, name="caizheng")
    with pytest.raises(StateError, match="belongs to another stack"):
        site.stacks.load(other, site.stacks.export(STACK))


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ((provider_record(), record("a"), record("a")), "stands there twice"),
        ((provider_record(), record("b", "a"), record("a")), "does not stand before it"),
        ((record("a"), provider_record()), "has the provider"),
        ((provider_record(), replace(record("a"), id="")), "has no id"),
        ((provider_record(), replace(record("a"), kind="other:a:B")), "is not the URN of"),
    ],
)
def test_a_state_that_does_not_hang_together_is_found_out(
    records: tuple[Record, ...], words: str
) -> None:
    assert any(words in fault for fault in find_faults(Deployment(records=records)))


def test_a_replaced_record_may_share_its_urn() -> None:
    records = (provider_record(), record("a"), replace(record("a"), id="old", doomed=True))
    assert list(find_faults(Deployment(records=records))) == []


def test_records_are_put_behind_what_they_need_and_stay_in_order_otherwise() -> None:
    shuffled = (record("c", "a"), record("x"), record("b", "c"), record("a"), provider_record())
    ordered = in_dependency_order(shuffled)
    assert list(find_faults(Deployment(records=ordered))) == []
    assert [r.id for r in ordered] == ["1", "id-a", "id-c", "id-x", "id-b"]


def test_a_long_chain_is_ordered_without_recursion() -> None:
    chain = [record(f"n{i}", *([f"n{i + 1}"] if i < 4999 else [])) for i in range(5000)]
    assert in_dependency_order(chain)[0].id == "id-n4999"


def test_a_record_keeps_fields_of_a_fuller_engine() -> None:
    written = {**record("a").to_json(), "retainOnDelete": True, "aliases": ["urn:x"]}
    assert Record.from_json(written).to_json() == written


def test_a_snapshot_forgets_only_the_resource_of_that_id() -> None:
    snapshot = Snapshot(Deployment(records=(record("a"),)))
    snapshot.apply(Put(replace(record("a"), id="new"), dooms=True))
    snapshot.apply(Dropped(record("a").urn, "id-a"))
    assert [(r.id, r.doomed) for r in snapshot.records()] == [("new", False)]


# -- many at a time, and stopping -----------------------------------------------------------


def test_no_more_acts_are_in_flight_than_allowed(tmp_path: Path, world: MemoryProvider) -> None:
    world.delay = 0.02
    site = EngineSite(tmp_path, world, parallel=3)
    site.update(job(*(thing(f"n{i}") for i in range(12))))
    assert world.most_running == 3


def test_several_stacks_at_once_do_not_mix(tmp_path: Path, world: MemoryProvider) -> None:
    site = EngineSite(tmp_path, world)
    stacks = [StackName(layer=Layer.TENANCY, name=f"t{i}") for i in range(6)]
    jobs = [
        job(*(thing(f"{stack.name}-{j}", size=i) for j in range(4)), stack=stack)
        for i, stack in enumerate(stacks)
    ]
    runs = [threading.Thread(target=site.update, args=(wanted,)) for wanted in jobs]
    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=60)
    assert site.stacks.names() == tuple(stacks)
    for i, stack in enumerate(stacks):
        state = site.stacks.state(stack)
        assert sorted(r.name for r in state.resources) == [f"{stack.name}-{j}" for j in range(4)]
        assert {r.inputs["size"] for r in state.resources} == {i}
    assert len(world.objects) == 24


@contextmanager
def stopped_when(reached: Callable[[], bool], site: EngineSite) -> Iterator[None]:
    """Stop the run inside once so much is done, however fast the machine is."""

    def wait() -> None:
        deadline = time.monotonic() + 30
        while not reached() and time.monotonic() < deadline:
            time.sleep(0.005)
        site.stacks.stop()

    stopper = threading.Thread(target=wait)
    stopper.start()
    yield
    stopper.join()


def test_a_stop_finishes_what_is_in_flight_and_begins_nothing(
    tmp_path: Path, world: MemoryProvider
) -> None:
    world.delay = 0.05
    site = EngineSite(tmp_path, world, parallel=2)
    wanted = job(*(thing(f"n{i}") for i in range(30)))
    with stopped_when(lambda: len(world.objects) >= 2, site):
        result = site.update(wanted)
    assert result.interrupted
    assert result.failures == ()
    assert 0 < len(result.changes) < 30
    state = site.stacks.state(STACK)
    assert {r.name: r.id for r in state.resources} == world.ids()
    assert (state.digest, state.interrupted) == (None, ())

    refused = site.update(wanted)
    assert (refused.interrupted, refused.changes) == (True, ())

    world.delay = 0
    later = EngineSite(tmp_path, world)
    assert len(later.update(wanted).changes) == 30 - len(result.changes)
    assert len(world.objects) == 30


def test_a_stop_among_deletions_keeps_what_is_left(tmp_path: Path, world: MemoryProvider) -> None:
    chain = [
        thing("n0"),
        *(thing(f"n{i}", refs={"peer": [f"n{i - 1}", "id"]}) for i in range(1, 8)),
    ]
    EngineSite(tmp_path, world).update(job(*chain))
    world.delay = 0.1
    site = EngineSite(tmp_path, world)
    with stopped_when(lambda: len(world.objects) < 7, site):
        result = site.stacks.destroy(STACK, watch=site.watch)
    assert (result.interrupted, result.failures) == (True, ())
    assert 0 < len(result.changes) < 8
    state = site.stacks.state(STACK)
    assert {r.name: r.id for r in state.resources} == world.ids()

    world.delay = 0
    later = EngineSite(tmp_path, world)
    later.stacks.destroy(STACK, watch=later.watch)
    assert (world.objects, later.stacks.names()) == ({}, ())


def test_the_state_of_forty_stacks_is_read_quickly(site: EngineSite) -> None:
    site.update(job(*(thing(f"n{i}") for i in range(30))))
    text = (site.root / CHECKPOINT).read_text()
    for i in range(40):
        (site.root / CHECKPOINT).with_name(f"s{i}.json").write_text(text)
    started = time.process_time()
    assert len([site.stacks.state(stack) for stack in site.stacks.names()]) == 41
    assert time.process_time() - started < 1


def hash_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def provider_of(site: EngineSite) -> str:
    records = StateFolder(site.root).load(STACK).deployment.records
    return next(r.provider for r in records if r.provider)
