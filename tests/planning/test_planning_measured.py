"""Measured power in the place of nameplates: whole racks only, and what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from orchestrator.checks.index import SiteIndex
from orchestrator.model.readings import (
    DeviceFault,
    DeviceKind,
    DeviceReadings,
    FaultKind,
    Quantity,
    Reading,
    RoomDevice,
)
from orchestrator.planning.measured import Measurement, measure
from tests.planning.measured_town import NAMEPLATE, RACK, TODAY, town

PDUS = ("pdu-a", "pdu-b")


def said(name: str, *readings: tuple[Quantity, float], fault: str = "") -> DeviceReadings:
    faults = (DeviceFault(kind=FaultKind.SILENT, detail=fault),) if fault else ()
    return DeviceReadings(
        device=RoomDevice(name=name, kind=DeviceKind.PDU, address=ip_address("10.0.0.1")),
        readings=tuple(Reading(quantity=q, value=v) for q, v in readings),
        faults=faults,
    )


def amperes(name: str, *values: float) -> DeviceReadings:
    return said(name, *((Quantity.CURRENT, value) for value in values))


def measured(*readings: DeviceReadings, **changed: object) -> Measurement:
    site = town(**changed)
    return measure(site.room.racks, readings, SiteIndex(site, TODAY).equipment_by_rack)


def test_machines_share_what_both_pdus_measure_by_their_nameplates() -> None:
    found = measured(amperes("pdu-a", 2.0), amperes("pdu-b", 1.0))
    assert found.racks == (RACK,)
    assert (found.kept, found.above) == ((), ())
    total = 3 * 230
    assert found.watts == {name: round(w * total / 2400) for name, w in NAMEPLATE.items()}


def test_three_phases_count_by_the_voltage_between_phase_and_neutral() -> None:
    found = measured(amperes("pdu-a", 1, 2, 3), amperes("pdu-b"), volts=400, phases=3)
    assert found.kept[0].reason == "pdu-b: it gives no current"
    found = measured(amperes("pdu-a", 1, 2, 3), amperes("pdu-b", 0), volts=400, phases=3)
    assert sum(found.watts.values()) == pytest.approx(6 * 400 / 3**0.5, abs=2)


def test_a_pdu_that_measures_power_is_taken_at_its_word() -> None:
    found = measured(
        said("pdu-a", (Quantity.CURRENT, 4.0), (Quantity.POWER, 700.0)), amperes("pdu-b", 0.0)
    )
    assert sum(found.watts.values()) == pytest.approx(700, abs=2)


def test_a_pdu_that_tells_no_watts_beside_amperes_does_not_make_its_rack_look_empty() -> None:
    found = measured(
        said("pdu-a", (Quantity.CURRENT, 4.0), (Quantity.POWER, 0.0)), amperes("pdu-b", 1.0)
    )
    assert sum(found.watts.values()) == pytest.approx(5 * 230, abs=2)


def test_a_side_without_a_pdu_is_not_measured() -> None:
    site = town()
    (rack,) = site.room.racks
    bare = replace(rack, pdus=rack.pdus[:1])
    found = measure((bare,), [amperes("pdu-a", 2.0)], SiteIndex(site, TODAY).equipment_by_rack)
    assert found.watts == {} and found.kept[0].reason == "side B has no PDU"


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        ((amperes("pdu-a", 2.0),), "pdu-b: it has no address to ask"),
        ((amperes("pdu-a", 2.0), said("pdu-b", fault="pdu-b is silent")), "pdu-b: pdu-b is silent"),
        ((amperes("pdu-a", 0.0), amperes("pdu-b", 0.0)), "its PDUs measure 0 W"),
        ((amperes("pdu-a", 2.0), amperes("pdu-b", 50.0)), "pdu-b: refused: 11,500 W"),
    ],
    ids=["not-asked", "silent", "idle", "impossible"],
)
def test_a_rack_that_is_not_measured_whole_keeps_its_nameplates_and_says_why(
    readings: tuple[DeviceReadings, ...], reason: str
) -> None:
    found = measured(*readings)
    assert found.watts == {} and found.racks == ()
    [kept] = found.kept
    assert kept.rack == RACK and kept.reason.startswith(reason)


def test_a_rack_that_draws_more_than_is_declared_counts_as_measured_and_is_named() -> None:
    found = measured(amperes("pdu-a", 10.0), amperes("pdu-b", 10.0))
    [above] = found.above
    assert (above.rack, above.measured_watts, above.nameplate_watts) == (RACK, 4600, 2400)
    assert sum(found.watts.values()) == pytest.approx(4600, abs=2)


def test_the_index_counts_what_was_measured_and_the_rest_by_nameplate() -> None:
    site = town()
    index = SiteIndex(site, TODAY, measured_watts={"cmp-01": 300})
    watts = {each.name: each.watts for each in index.equipment_by_rack[RACK]}
    assert watts == {**NAMEPLATE, "cmp-01": 300}
    assert sum(draw.watts for draw in index.power_graph.draws) == 300 + 1600
