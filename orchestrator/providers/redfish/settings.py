"""What is declared of a server and kept on its BMC: BIOS attributes, boot order, asset tag.

A BIOS takes new attributes when the server restarts. Until then they stand in its settings object
(DSP0266, 9.11), which is what is written; nothing here restarts a server.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault
from orchestrator.model.names import did_you_mean
from orchestrator.model.units import Json
from orchestrator.providers.redfish.answers import Resource, link_of
from orchestrator.providers.redfish.boot_order import BootOrder, read_boot_order
from orchestrator.providers.redfish.client import Conversation
from orchestrator.providers.redfish.reading import attribute_text

APPLY_TIME = "@Redfish.SettingsApplyTime"
AT_RESTART = "OnReset"
SEEN_WITHIN_SECONDS = 10.0
"""How long a BMC may take to show what it accepted: some do it in a job of their own."""
_LOOK_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What a BMC is to keep; what is not declared is neither read nor written."""

    asset_tag: str | None = None
    bios: Mapping[str, str] = field(default_factory=dict)
    boot_order: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a BMC keeps, as it will be after the next restart."""

    properties: Mapping[str, Json]
    pending: tuple[str, ...] = ()
    """What waits for that restart: `bios.ProcTurboMode`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bios:
    """The attributes now, and those that were written for the next restart."""

    link: str
    now: Mapping[str, Any]
    settings_link: str | None = None
    later: Mapping[str, Any] = field(default_factory=dict)
    apply_times: Sequence[str] = ()

    def after_restart(self, name: str) -> str | None:
        """Return an attribute as it will be, or None where the BIOS has none of that name."""
        value = self.later.get(name)
        value = self.now.get(name) if value is None else value
        return None if value is None else attribute_text(value)

    def is_pending(self, name: str) -> bool:
        """Say whether a restart will change an attribute."""
        now = self.now.get(name)
        return now is not None and self.after_restart(name) != attribute_text(now)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Everything that was read of what is declared."""

    asset_tag: str | None
    bios: _Bios | None
    boot_order: BootOrder | None

    def kept(self, declared: Declared) -> Kept:
        """Return it in the shape of what is declared."""
        properties: dict[str, Json] = {}
        pending: list[str] = []
        if declared.asset_tag is not None:
            properties["asset_tag"] = self.asset_tag
        if declared.bios and self.bios is not None:
            properties["bios"] = {
                name: self.bios.after_restart(name) for name in sorted(declared.bios)
            }
            pending += [f"bios.{n}" for n in sorted(declared.bios) if self.bios.is_pending(n)]
        if declared.boot_order and self.boot_order is not None:
            first = self.boot_order.first(len(declared.boot_order))
            properties["boot_order"] = [*first]
        return Kept(properties=properties, pending=tuple(pending))


def read_settings(talk: Conversation, system: Resource, declared: Declared) -> Kept:
    """Return what the BMC keeps of what is declared.

    Only where a BIOS attribute is not as declared is it asked what waits for a restart.
    """
    return _read(talk, system, declared).kept(declared)


def write_settings(talk: Conversation, system: Resource, declared: Declared) -> Kept:
    """Write what is not as declared, see that the BMC has it, and return what it keeps then.

    Raises:
        BmcError: it has no such setting, refuses, or accepts and does not keep it.
    """
    found = _read(talk, system, declared, waiting=True)
    if found.kept(declared).properties == wanted_of(declared):
        return found.kept(declared)
    if declared.asset_tag is not None and found.asset_tag != declared.asset_tag:
        talk.patch(link_of(system), {"AssetTag": declared.asset_tag})
    if declared.bios and found.bios is not None:
        _write_bios(talk, found.bios, declared.bios)
    if declared.boot_order and found.boot_order is not None:
        body = found.boot_order.beginning_with(declared.boot_order)
        if body is not None:
            talk.patch(link_of(system), {"Boot": body})
    return _seen(talk, system, declared)


def wanted_of(declared: Declared) -> dict[str, Json]:
    """Return what is declared in the shape in which what is kept is told."""
    wanted: dict[str, Json] = {}
    if declared.asset_tag is not None:
        wanted["asset_tag"] = declared.asset_tag
    if declared.bios:
        wanted["bios"] = {name: declared.bios[name] for name in sorted(declared.bios)}
    if declared.boot_order:
        wanted["boot_order"] = [*declared.boot_order]
    return wanted


def _read(
    talk: Conversation, system: Resource, declared: Declared, *, waiting: bool = False
) -> _Found:
    """Read what is declared; `waiting`: also what waits for a restart where all is as declared.

    Whoever writes has to know: a change that was declared, written and then taken back still waits.
    """
    tag = system.get("AssetTag")
    bios = _read_bios(talk, system, declared.bios, waiting=waiting) if declared.bios else None
    return _Found(
        asset_tag=tag if isinstance(tag, str) else None,
        bios=bios,
        boot_order=read_boot_order(talk, system) if declared.boot_order else None,
    )


def _read_bios(
    talk: Conversation, system: Resource, declared: Mapping[str, str], *, waiting: bool
) -> _Bios:
    if not system.get("Bios"):
        raise _refused("it tells nothing of its BIOS", "Leave `bios:` out for this profile.")
    bios = talk.follow(system["Bios"])
    now = _attributes(bios)
    settings = bios.get("@Redfish.Settings")
    reference = settings.get("SettingsObject") if isinstance(settings, Mapping) else None
    link = link_of(reference) if reference else None
    times = settings.get("SupportedApplyTimes") if isinstance(settings, Mapping) else None
    found = _Bios(
        link=link_of(bios),
        now=now,
        settings_link=link,
        apply_times=times if isinstance(times, list) else (),
    )
    as_declared = all(found.after_restart(name) == declared[name] for name in declared)
    if link is None or (as_declared and not waiting):
        return found
    return _Bios(
        link=found.link,
        now=now,
        settings_link=link,
        later=_attributes(talk.get(link)),
        apply_times=found.apply_times,
    )


def _write_bios(talk: Conversation, bios: _Bios, declared: Mapping[str, str]) -> None:
    differing = {n: v for n, v in declared.items() if bios.after_restart(n) != v}
    if not differing:
        return
    changed = {name: _typed(name, value, bios.now) for name, value in differing.items()}
    body: dict[str, Any] = {"Attributes": changed}
    if bios.apply_times:
        if AT_RESTART not in bios.apply_times:
            raise _refused(
                f"it can change its BIOS only {', '.join(map(str, bios.apply_times))}, and not at "
                "the next restart",
                "Change it on its console: a running server is not to be disturbed.",
            )
        body[APPLY_TIME] = {
            "@odata.type": "#Settings.v1_3_0.PreferredApplyTime",
            "ApplyTime": AT_RESTART,
        }
    talk.patch(bios.settings_link or bios.link, body)


def _typed(name: str, declared: str, now: Mapping[str, Any]) -> str | int | float | bool:
    """Return a declared text as the BIOS has the attribute: JSON knows numbers and truth values."""
    if name not in now:
        why = did_you_mean(name, now) if now else " It tells none until the server was on once."
        raise _refused(
            f"its BIOS has no attribute `{name}`.{why}",
            "Write it as `orchestrator hardware show SERVER --live` shows it.",
        )
    example = now[name]
    try:
        if isinstance(example, bool):
            return {"true": True, "false": False}[declared]
        return type(example)(declared) if isinstance(example, int | float) else declared
    except (KeyError, ValueError):
        raise _refused(
            f"its BIOS attribute `{name}` is {attribute_text(example)}, and `{declared}` is of "
            "another kind",
            "Write a whole number, or true or false, as the BIOS has it.",
        ) from None


def _seen(talk: Conversation, system: Resource, declared: Declared) -> Kept:
    until = min(time.monotonic() + SEEN_WITHIN_SECONDS, talk.deadline - 2 * _LOOK_PAUSE_SECONDS)
    wanted = wanted_of(declared)
    while True:
        kept = _read(talk, talk.get(link_of(system)), declared, waiting=True).kept(declared)
        if kept.properties == wanted:
            return kept
        if time.monotonic() > until:
            wrong = [name for name in wanted if kept.properties.get(name) != wanted[name]]
            raise _refused(
                f"it accepted {', '.join(wrong)}, and does not keep it",
                "Look into the BMC's own log; it may need an entry in the quirk table "
                "(docs/decisions/0014-redfish.md).",
            )
        time.sleep(_LOOK_PAUSE_SECONDS)


def _attributes(resource: Resource) -> Mapping[str, Any]:
    found = resource.get("Attributes")
    return found if isinstance(found, Mapping) else {}


def _refused(detail: str, remedy: str) -> BmcError:
    return BmcError(detail, fault=BmcFault.REFUSED, remedy=remedy)
