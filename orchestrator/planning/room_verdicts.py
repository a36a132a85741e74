"""Judge a machine room's rules by what its devices said.

Limits are GB 50174-2017's, in our words (docs/how-to/observe-a-room.md); a rule that no reading can
decide is `manual`, one whose readings are missing is `unknown`, and neither is ever `pass`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from orchestrator.model.readings import (
    UNITS,
    DeviceKind,
    DeviceReadings,
    FaultKind,
    Quantity,
    RuleVerdict,
    dew_point_celsius,
)
from orchestrator.model.room import (
    BREAKER_DERATING,
    UPS_MARGIN,
    MachineRoom,
    RoomGrade,
)
from orchestrator.model.site import Site
from orchestrator.model.verdict import Verdict

INLET_CELSIUS = (18.0, 27.0)
DEW_POINT_CELSIUS = (5.5, 15.0)
MOST_HUMIDITY_PERCENT = 60.0
BATTERY_ROOM_CELSIUS = (20.0, 30.0)
BATTERY_MINUTES = {RoomGrade.A: 15, RoomGrade.B: 7}
"""Grade C: what the UPS is declared with."""

MANUAL = {
    "ENV-04": ("Rate of temperature change", "one reading is no series; the monitoring keeps it"),
    "ENV-05": ("Support area climate", "no sensor of the site is bound to the support area"),
    "ENV-07": ("Particles in the air", "an accredited report"),
    "PWR-04": ("Fuel for the generators", "the tank's level is read by a person"),
    "PWR-09": ("Quality of the supply", "a power analyser's report"),
    "EFF-01": ("PUE", "meters of the whole building and of the IT load"),
}
"""Rules that no device of this model can decide, with what decides them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomView:
    """A room with what its devices said."""

    site: Site
    room: MachineRoom
    readings: Sequence[DeviceReadings]

    def of(self, kind: DeviceKind) -> list[DeviceReadings]:
        """Return the devices of a kind."""
        return [each for each in self.readings if each.device.kind is kind]

    def sensing(self, quantity: Quantity) -> list[DeviceReadings]:
        """Return the sensors that were declared to measure something."""
        return [each for each in self.readings if each.device.sensor is quantity]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A rule and how it is judged."""

    id: str
    title: str
    judge: Callable[[RoomView], tuple[Verdict, str, tuple[str, ...]]]


Judgement = tuple[Verdict, str, tuple[str, ...]]
"""Verdict, the reading that decided, and the devices that it is about."""


def judge_rooms(site: Site, readings: Sequence[DeviceReadings]) -> tuple[RuleVerdict, ...]:
    """Return every rule's verdict for every room that a reading is about, in order of rooms."""
    asked = {each.device.room for each in readings}
    return tuple(
        verdict
        for room in site.room.rooms
        if room.name in asked
        for verdict in judge_room(site, room, readings)
    )


def judge_room(
    site: Site, room: MachineRoom, readings: Sequence[DeviceReadings]
) -> Iterator[RuleVerdict]:
    """Yield the verdicts of one room."""
    own = [each for each in readings if each.device.room == room.name]
    view = RoomView(site=site, room=room, readings=own)
    for rule in RULES:
        verdict, detail, devices = rule.judge(view)
        yield RuleVerdict(
            rule=rule.id,
            title=rule.title,
            room=room.name,
            verdict=verdict,
            detail=detail,
            devices=devices,
        )
    for rule_id, (title, decides) in MANUAL.items():
        yield RuleVerdict(
            rule=rule_id, title=title, room=room.name, verdict=Verdict.MANUAL, detail=decides
        )


def _inlet_temperature(view: RoomView) -> Judgement:
    return _within(view.sensing(Quantity.TEMPERATURE), Quantity.TEMPERATURE, INLET_CELSIUS)


def _battery_temperature(view: RoomView) -> Judgement:
    return _within(view.of(DeviceKind.UPS), Quantity.BATTERY_TEMPERATURE, BATTERY_ROOM_CELSIUS)


def _within(
    devices: Sequence[DeviceReadings], quantity: Quantity, limits: tuple[float, float]
) -> Judgement:
    """Judge whether every device reads within limits, and reads at all."""
    low, high = limits
    values = {each.device.name: each.values(quantity) for each in devices}
    bad = tuple(
        name for name, given in values.items() if any(not low <= value <= high for value in given)
    )
    span = _span([value for given in values.values() for value in given], UNITS[quantity])
    limit = f"limits {low:g} to {high:g} {UNITS[quantity]}"
    return _decide(values, bad, detail=f"{span}; {limit}")


def _moisture(view: RoomView) -> Judgement:
    """Judge the air at every humidity sensor; its own temperature, or the room's mean."""
    mean = _mean(view, Quantity.TEMPERATURE)
    points: dict[str, tuple[float, ...]] = {}
    humidities: list[float] = []
    for each in view.sensing(Quantity.HUMIDITY):
        humid = each.values(Quantity.HUMIDITY)
        warm = each.values(Quantity.TEMPERATURE) or ((mean,) if mean is not None else ())
        humidities += humid
        points[each.device.name] = tuple(dew_point_celsius(warm[0], h) for h in humid if warm)
    low, high = DEW_POINT_CELSIUS
    wet = {
        each.device.name
        for each in view.sensing(Quantity.HUMIDITY)
        if any(value > MOST_HUMIDITY_PERCENT for value in each.values(Quantity.HUMIDITY))
    }
    bad = tuple(
        name
        for name, given in points.items()
        if name in wet or any(not low <= point <= high for point in given)
    )
    span = _span([round(p, 1) for given in points.values() for p in given], "°C dew point")
    detail = f"{span}, {_span(humidities, '%RH')}; limits {low:g} to {high:g} °C, at most 60 %RH"
    return _decide(points, bad, detail=detail)


def _runtime(view: RoomView) -> Judgement:
    needed = {
        ups.name: BATTERY_MINUTES.get(view.room.grade, ups.battery_minutes)
        for ups in view.site.room.ups
    }
    values = {each.device.name: each.values(Quantity.RUNTIME) for each in view.of(DeviceKind.UPS)}
    bad = tuple(n for n, given in values.items() if any(value < needed[n] for value in given))
    span = _span([value for given in values.values() for value in given], "min")
    least = max((needed[name] for name in values), default=0)
    return _decide(values, bad, detail=f"{span}; at least {least} min")


def _ups_size(view: RoomView) -> Judgement:
    capacity = {ups.name: ups.capacity_watts for ups in view.site.room.ups}
    values = {each.device.name: each.values(Quantity.POWER) for each in view.of(DeviceKind.UPS)}
    bad = tuple(n for n, given in values.items() if sum(given) * UPS_MARGIN > capacity[n])
    loads = [100 * sum(given) / capacity[name] for name, given in values.items() if given]
    return _decide(
        values, bad, detail=f"{_span(loads, '% of the rating')}; 1.1 times the load must fit"
    )


def _feed_load(view: RoomView) -> Judgement:
    """Judge amperes per phase against the breaker of the PDU's feed."""
    limits = {
        pdu.name: feed.amperes * BREAKER_DERATING
        for rack in view.site.room.racks
        for pdu in rack.pdus
        for feed in rack.feeds
        if feed.side is pdu.side
    }
    pdus = view.of(DeviceKind.PDU)
    values = {each.device.name: each.values(Quantity.CURRENT) for each in pdus}
    bad = tuple(
        name
        for name, given in values.items()
        if name in limits and any(value > limits[name] for value in given)
    )
    span = _span([value for given in values.values() for value in given], "A")
    most = min((limits[name] for name in values if name in limits), default=0.0)
    return _decide(values, bad, detail=f"{span} per phase; at most {most:g} A")


def _contact(quantity: Quantity, alarm: str) -> Callable[[RoomView], Judgement]:
    def judge(view: RoomView) -> Judgement:
        values = {each.device.name: each.values(quantity) for each in view.sensing(quantity)}
        bad = tuple(name for name, given in values.items() if any(given))
        known = sum(bool(given) for given in values.values())
        detail = f"{len(bad)} of {known} contacts say {alarm}"
        return _decide(values, bad, detail=detail)

    return judge


def _devices_answer(view: RoomView) -> Judgement:
    """Judge the monitoring itself: what is declared answers, and is what it was declared as."""
    broken = {
        each.device.name: {fault.kind for fault in each.faults}
        for each in view.readings
        if each.faults
    }
    other = tuple(name for name, kinds in broken.items() if FaultKind.OTHER_MODEL in kinds)
    detail = (
        f"{len(view.readings) - len(broken)} of {len(view.readings)} devices answer as declared"
    )
    if other:
        return Verdict.FAIL, f"{detail}; another model than declared", other
    return (Verdict.UNKNOWN if broken else Verdict.PASS), detail, tuple(broken)


def _decide(
    values: dict[str, tuple[float, ...]], bad: tuple[str, ...], *, detail: str
) -> Judgement:
    """Fail on what was read, know nothing where something was not, pass only on all of it."""
    if bad:
        return Verdict.FAIL, detail, bad
    silent = tuple(name for name, given in values.items() if not given)
    if not values:
        return Verdict.UNKNOWN, "no device with an address measures it", ()
    if silent:
        return Verdict.UNKNOWN, f"{detail}; {len(silent)} of {len(values)} gave nothing", silent
    return Verdict.PASS, detail, ()


def _mean(view: RoomView, quantity: Quantity) -> float | None:
    values = [value for each in view.readings for value in each.values(quantity)]
    return fmean(values) if values else None


def _span(values: Iterable[float], unit: str) -> str:
    known = sorted(values)
    if not known:
        return "no reading"
    low, high = f"{known[0]:.4g}", f"{known[-1]:.4g}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


RULES = (
    Rule(id="ENV-01", title="Inlet temperature", judge=_inlet_temperature),
    Rule(id="ENV-02", title="Inlet moisture", judge=_moisture),
    Rule(id="ENV-06", title="Battery temperature", judge=_battery_temperature),
    Rule(id="PWR-06", title="Battery minutes", judge=_runtime),
    Rule(id="PWR-07", title="UPS size", judge=_ups_size),
    Rule(id="LOAD-01", title="Feed load", judge=_feed_load),
    Rule(id="FIR-01", title="Smoke contacts", judge=_contact(Quantity.SMOKE, "smoke")),
    Rule(id="WTR-01", title="Leak contacts", judge=_contact(Quantity.LEAK, "wet")),
    Rule(id="8.1.1.2", title="Door contacts", judge=_contact(Quantity.DOOR, "open")),
    Rule(id="MON-01", title="Monitoring answers", judge=_devices_answer),
)
"""8.1.1.2 is GB/T 22239-2019's (door access); LOAD-01 is ours (docs/decisions/0007)."""
