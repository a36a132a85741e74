"""What a site's PDUs, UPSs and sensors answer in the lab.

PDUs and climate sensors speak from recordings of real devices. snmpsim-data has none of a UPS that
fills UPS-MIB whole, nor of an environment collector: their answers are made from the MIBs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from orchestrator.lab.settings import SnmpSpec
from orchestrator.model.room import Pdu, Sensor, SensorKind, Ups
from orchestrator.model.site import Site

Values = tuple[tuple[str, str, str], ...]

INTEGER, TEXT, OID, GAUGE = "2", "4", "6", "66"
"""Tags of a recording."""

GENERIC_AGENT = "1.3.6.1.4.1.8072.3.2.10"
"""sysObjectID of a Linux agent, which Huawei's UPSs and many collectors answer with."""

RECORDINGS = {
    "AP7902B": "UPS/apc-7902b.snmprec",
    "AP8641": "UPS/apc-8641.snmprec",
    "AP8932": "UPS/apc-8932.snmprec",
}
DEFAULT_RECORDING = "UPS/apc-8641.snmprec"
GEIST_RECORDING = "iot/geist-temperature-sensor.snmprec"

TRUE, FALSE = "1", "2"


def devices_of_site(site: Site) -> Iterator[SnmpSpec]:
    """Yield every device of the site that has an address."""
    for rack in site.room.racks:
        for pdu in rack.pdus:
            if pdu.address is not None:
                yield _pdu(pdu)
    for ups in site.room.ups:
        if ups.address is not None:
            yield SnmpSpec(name=ups.name, address=str(ups.address), values=_ups(ups))
    for sensor in site.room.sensors:
        if sensor.address is not None:
            yield _sensor(sensor)


def _pdu(pdu: Pdu) -> SnmpSpec:
    recorded = (file for model, file in RECORDINGS.items() if model in pdu.model)
    return SnmpSpec(
        name=pdu.name, address=str(pdu.address), recording=next(recorded, DEFAULT_RECORDING)
    )


def _ups(ups: Ups) -> Values:
    """Return a UPS on mains, its battery full, with a third of its load on each of three lines."""
    base, line = "1.3.6.1.2.1.33.1", ups.capacity_watts // 10
    singles = (
        ("1.3.6.1.2.1.1.2.0", OID, GENERIC_AGENT),
        ("1.3.6.1.2.1.1.5.0", TEXT, "ups"),
        ("1.3.6.1.2.1.1.6.0", TEXT, ""),
        (f"{base}.1.1.0", TEXT, ups.model.partition(" ")[0]),
        (f"{base}.1.2.0", TEXT, ups.model),
        (f"{base}.1.5.0", TEXT, "UPS"),
        (f"{base}.2.1.0", INTEGER, "2"),
        (f"{base}.2.3.0", INTEGER, str(ups.battery_minutes * 2)),
        (f"{base}.2.4.0", INTEGER, "100"),
        (f"{base}.2.7.0", INTEGER, "24"),
        (f"{base}.9.7.0", INTEGER, "2"),
        (f"{base}.9.8.0", INTEGER, "2"),
    )
    lines = tuple(
        (f"{base}.4.4.1.{column}.{number}", GAUGE, value)
        for column, value in (("4", str(line)), ("5", "30"))
        for number in (1, 2, 3)
    )
    return singles + lines


def _sensor(sensor: Sensor) -> SnmpSpec:
    if sensor.kind in {SensorKind.TEMPERATURE, SensorKind.HUMIDITY}:
        return SnmpSpec(
            name=sensor.name,
            address=str(sensor.address),
            recording=GEIST_RECORDING,
            values=_climate(sensor.name),
        )
    return SnmpSpec(name=sensor.name, address=str(sensor.address), values=_contact(sensor.kind))


def _climate(name: str) -> Values:
    """Return a cold aisle's climate: 21.0 to 23.9 degrees, 42 to 51 percent, the same every time.

    The recording is of a rack's top in another room: too dry for GB 50174.
    """
    seed = zlib.crc32(name.encode())
    return (
        ("1.3.6.1.4.1.21239.5.1.2.1.5.1", INTEGER, str(210 + seed % 30)),
        ("1.3.6.1.4.1.21239.5.1.2.1.6.1", INTEGER, str(42 + seed % 10)),
    )


def _contact(kind: SensorKind) -> Values:
    """Return a collector with one contact that is at rest."""
    sensor = "1.3.6.1.2.1.99.1.1.1"
    return (
        ("1.3.6.1.2.1.1.2.0", OID, GENERIC_AGENT),
        ("1.3.6.1.2.1.1.5.0", TEXT, "collector"),
        ("1.3.6.1.2.1.1.6.0", TEXT, ""),
        ("1.3.6.1.2.1.47.1.1.1.1.7.1", TEXT, kind.value),
        ("1.3.6.1.2.1.47.1.1.1.1.13.1", TEXT, "collector"),
        (f"{sensor}.1.1", INTEGER, "12"),
        (f"{sensor}.2.1", INTEGER, "9"),
        (f"{sensor}.3.1", INTEGER, "0"),
        (f"{sensor}.4.1", INTEGER, FALSE),
        (f"{sensor}.5.1", INTEGER, "1"),
    )
