"""The Pulumi CLI's side, as far as it can be tested without a CLI: its absence, and its events."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pulumi.automation.events import EngineEvent

from orchestrator.engine.automation import AutomationStacks
from orchestrator.engine.cli_events import read_events, watching
from orchestrator.errors import EngineError
from orchestrator.model.stack import Action, AttributeChange, ResourceChange
from orchestrator.model.units import Secret
from tests.fakes.engine_site import PROGRAMS, StandingClock, failures, marks
from tests.fakes.memory_provider import THING, MemoryProvider


@pytest.mark.skipif(shutil.which("pulumi") is not None, reason="there is a Pulumi CLI here")
def test_an_absent_cli_is_said_so_at_once(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no `pulumi` on PATH") as refused:
        AutomationStacks(
            tmp_path,
            PROGRAMS,
            MemoryProvider(tmp_path / "world.json"),
            passphrase=lambda: Secret("unused"),
            clock=StandingClock(),
        )
    assert "leave out `--engine pulumi`" in refused.value.remedy


def urn(name: str) -> str:
    return f"urn:pulumi:gongxin::tenant::{THING}::{name}"


def state(name: str, *, custom: bool = True, **inputs: object) -> dict:
    return {
        "type": THING,
        "urn": urn(name),
        "id": "id-1",
        "parent": "",
        "provider": "",
        "custom": custom,
        "inputs": inputs,
        "outputs": {},
    }


def step(op: str, name: str, *, event: str = "resourcePreEvent", **rest: object) -> EngineEvent:
    metadata = {"op": op, "urn": urn(name), "type": THING, "provider": "", **rest}
    return EngineEvent.from_json({"sequence": 1, event: {"metadata": metadata}})


EVENTS = [
    step("same", "still", old=state("still"), new=state("still")),
    step("create", "fresh", new=state("fresh", size=1, token="[secret]")),
    step(
        "update",
        "grown",
        old=state("grown", size=1, token="[secret]", same=1),
        new=state("grown", size=2, token="[secret]", same=1),
        diffs=["size", "token"],
    ),
    step("create-replacement", "moved", new=state("moved", zone="w")),
    step(
        "replace",
        "moved",
        old=state("moved", zone="e"),
        new=state("moved", zone="w"),
        keys=["zone"],
    ),
    step("delete-replaced", "moved", old=state("moved", zone="e")),
    step("delete", "dropped", old=state("dropped", size=1)),
    step("create", "group", new=state("group", custom=False)),
]


def test_a_previews_events_are_its_changes() -> None:
    account = read_events(EVENTS)
    assert marks(account) == ["+ fresh", "- dropped", "-/+ moved", "~ grown"]
    assert (account.unchanged, account.deletes) == (1, {urn("dropped")})


def test_attributes_are_those_that_differ_and_secrets_have_no_values() -> None:
    changes = {change.name: change for change in read_events(EVENTS).changes}
    assert changes["grown"].attributes == (
        AttributeChange(path="size", old=1, new=2),
        AttributeChange(path="token", secret=True),
    )
    assert changes["fresh"].attributes == (
        AttributeChange(path="size", old=None, new=1),
        AttributeChange(path="token", secret=True),
    )
    assert changes["moved"].attributes == (AttributeChange(path="zone", old="e", new="w"),)
    assert changes["dropped"].attributes == ()


def test_a_failed_resource_has_its_reason_and_is_no_change() -> None:
    reason = {
        "urn": urn("bad"),
        "severity": "error",
        "message": "quota exceeded\n",
        "color": "never",
    }
    account = read_events(
        [
            *EVENTS,
            step("create", "bad", new=state("bad")),
            EngineEvent.from_json({"diagnosticEvent": reason}),
            step("create", "bad", event="resOpFailedEvent", status=0, steps=0),
        ]
    )
    assert failures(account) == {"bad": "quota exceeded"}
    assert "+ bad" not in marks(account)


def test_orphans_and_drift_are_marked() -> None:
    account = read_events(EVENTS, kept={urn("dropped")}, drifted={urn("grown")})
    assert marks(account) == ["+ fresh", "-/+ moved", "? dropped", "~ grown"]
    assert [change.name for change in account.changes if change.drifted] == ["grown"]


def test_whoever_watches_hears_of_every_change_when_it_is_done() -> None:
    heard: list[tuple[str, Action, str | None]] = []

    def take(change: ResourceChange, error: str | None) -> None:
        heard.append((change.name, change.action, error))

    listen = watching(take)
    for event in [
        step("create", "fresh", new=state("fresh")),
        step("create", "fresh", event="resOutputsEvent", new=state("fresh")),
        step("same", "still", event="resOutputsEvent", new=state("still")),
        step("delete", "bad", event="resOpFailedEvent", old=state("bad"), status=0, steps=0),
    ]:
        listen(event)
    assert heard == [("fresh", Action.CREATE, None), ("bad", Action.DELETE, "failed")]
