"""Do things to a server through its BMC, and see them done: accepted is not yet done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault, BootDevice, PowerAct, PowerState, Unknown
from orchestrator.ports.bmc import BmcAct, BootOnce, SetIndicator, SwitchPower
from orchestrator.providers.redfish.answers import Resource, link_of
from orchestrator.providers.redfish.client import Conversation
from orchestrator.providers.redfish.reading import indicator_of, power_of

RESETS: Mapping[tuple[PowerAct, bool], tuple[str, ...]] = {
    (PowerAct.ON, False): ("On", "ForceOn"),
    (PowerAct.ON, True): ("On", "ForceOn"),
    (PowerAct.OFF, False): ("GracefulShutdown",),
    (PowerAct.OFF, True): ("ForceOff",),
    (PowerAct.CYCLE, False): ("GracefulRestart",),
    (PowerAct.CYCLE, True): ("PowerCycle", "ForceRestart"),
}
"""What each act is called, by (act, forced), the best first; the BMC says which of them it has."""

_LOOK_PAUSE_SECONDS = 0.5


def act_on(talk: Conversation, system: Resource, act: BmcAct, *, within: float) -> PowerState:
    """Do one thing, see it done, and return the power state after it.

    Raises:
        BmcError: the BMC refuses, or accepts and does not do it in `within` seconds.
    """
    match act:
        case SwitchPower():
            return _switch(talk, system, act, within=within)
        case SetIndicator():
            _light(talk, system, act)
        case BootOnce():
            _boot_once(talk, system, act)
    return known_power(system)


def known_power(system: Resource) -> PowerState:
    """Return the power state.

    Raises:
        BmcError: the BMC does not tell it.
    """
    power = power_of(system)
    if isinstance(power, Unknown):
        raise _ignored(f"its power state is not known: {power.reason}")
    return power


def _switch(talk: Conversation, system: Resource, act: SwitchPower, *, within: float) -> PowerState:
    wanted = PowerState.OFF if act.act is PowerAct.OFF else PowerState.ON
    now = known_power(system)
    if now is wanted and act.act is not PowerAct.CYCLE:
        return now
    action = _mapping(_mapping(system.get("Actions")).get("#ComputerSystem.Reset"))
    if "target" not in action:
        raise BmcError(
            "it cannot be switched: it tells no reset action",
            fault=BmcFault.REFUSED,
            remedy="Does its login have the rights of an operator? Look on its console.",
        )
    word = "On" if now is PowerState.OFF else _reset(action, act)
    talk.post(str(action["target"]), {"ResetType": word})
    left = time.monotonic() + within
    talk.deadline = left + talk.limits.answer_seconds
    # A restart that is seen too early looks like a server that never went off: what is seen of it
    # is that the BMC accepted it and that the server is on at the end.
    while True:
        time.sleep(_LOOK_PAUSE_SECONDS)
        now = known_power(talk.get(link_of(system)))
        if now is wanted:
            return now
        if time.monotonic() > left:
            raise _ignored(
                f"it accepted {word}, and after {within:g} s the server is {now.value}",
                remedy="Its operating system may not answer the power button; --force does not "
                "ask it.",
            )


def _reset(action: Mapping[str, Any], act: SwitchPower) -> str:
    words = RESETS[act.act, act.forced]
    allowed = action.get("ResetType@Redfish.AllowableValues")
    if not allowed:
        return words[0]
    for word in words:
        if word in allowed:
            return word
    raise BmcError(
        f"it has none of {', '.join(words)}",
        fault=BmcFault.REFUSED,
        remedy="It has: " + ", ".join(map(str, allowed)) + ". Try with --force, or without.",
    )


def _light(talk: Conversation, system: Resource, act: SetIndicator) -> None:
    newer = isinstance(system.get("LocationIndicatorActive"), bool)
    body: dict[str, Any] = {"IndicatorLED": "Lit" if act.lit else "Off"}
    if newer:
        body = {"LocationIndicatorActive": act.lit}
    talk.patch(link_of(system), body)
    seen = indicator_of(talk.get(link_of(system)))
    if seen is not act.lit:
        raise _ignored("it accepted the change, and the indicator is as before")


def _boot_once(talk: Conversation, system: Resource, act: BootOnce) -> None:
    targets = {
        BootDevice.PXE: "Pxe",
        BootDevice.DISK: "Hdd",
        BootDevice.CD: talk.profile.virtual_cd,
    }
    boot: dict[str, Any] = {
        "BootSourceOverrideEnabled": "Once",
        "BootSourceOverrideTarget": targets[act.device],
    }
    mode = _mapping(system.get("Boot")).get("BootSourceOverrideMode")
    if talk.profile.repeat_boot_mode and mode:
        boot["BootSourceOverrideMode"] = mode
    talk.patch(link_of(system), {"Boot": boot})
    seen = _mapping(talk.get(link_of(system)).get("Boot"))
    for name, value in boot.items():
        # The emulator of sushy-tools always tells `Continuous`; what it keeps is the target.
        if seen.get(name) != value and name != "BootSourceOverrideEnabled":
            raise _ignored(f"it accepted {name} {value}, and tells {seen.get(name)}")
    if seen.get("BootSourceOverrideEnabled") in {None, "Disabled"}:
        raise _ignored("it accepted the boot override, and has none")
    after = seen.get("BootSourceOverrideMode")
    if mode and after != mode:
        raise _ignored(f"it changed its boot mode from {mode} to {after}")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ignored(detail: str, remedy: str = "") -> BmcError:
    return BmcError(
        detail,
        fault=BmcFault.REFUSED,
        remedy=remedy
        or "Look into the BMC's own log; it may need an entry in the quirk table "
        "(docs/decisions/0014-redfish.md).",
    )
