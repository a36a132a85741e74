"""Which devices of the machine rooms have an SNMP agent, and what stands on a PDU's outlets."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from orchestrator.model.hardware import Server
from orchestrator.model.readings import DeviceKind, Quantity, RoomDevice
from orchestrator.model.room import Rack, Side
from orchestrator.model.site import Site

SPARE = "spare"
"""Name of an outlet that nothing declared hangs on."""


def room_devices(site: Site, rooms: Collection[str] = ()) -> tuple[RoomDevice, ...]:
    """Return the devices with an address, of these rooms or of all, by name."""
    devices = (*_pdus(site), *_ups(site), *_sensors(site))
    wanted = (device for device in devices if not rooms or device.room in rooms)
    return tuple(sorted(wanted, key=lambda device: device.name))


def outlet_names(site: Site, rack: Rack) -> dict[str, dict[int, str]]:
    """Return, by PDU, the name of each outlet: the server whose power supply hangs there.

    The site declares no cables; this is the order in which a rack is cabled: each server from the
    bottom up takes the next free outlet of a side for each power supply that it has there.
    Supplies go to the sides in turn, the first to A, unless the server says otherwise.
    """
    servers = sorted(
        (server for server in site.hardware.servers if server.rack == rack.name),
        key=lambda server: server.unit,
    )
    names: dict[str, dict[int, str]] = {}
    for side in Side:
        plugs = [plug for server in servers for plug in _plugs(site, server, side)]
        places = [
            (pdu.name, number)
            for pdu in sorted(rack.pdus, key=lambda pdu: pdu.name)
            if pdu.side is side
            for number in range(1, pdu.outlets + 1)
        ]
        for index, (pdu_name, number) in enumerate(places):
            name = plugs[index] if index < len(plugs) else SPARE
            names.setdefault(pdu_name, {})[number] = name
    return names


def _plugs(site: Site, server: Server, side: Side) -> Iterator[str]:
    sides = server.psus or _in_turn(site.profiles_by_name[server.profile].power_supplies)
    count = sides.count(side)
    for number in range(1, count + 1):
        yield server.name if count == 1 else f"{server.name}/{number}"


def _in_turn(supplies: int) -> tuple[Side, ...]:
    both = tuple(Side)
    return tuple(both[number % len(both)] for number in range(supplies))


def _pdus(site: Site) -> Iterator[RoomDevice]:
    for rack in site.room.racks:
        for pdu in rack.pdus:
            if pdu.address is not None:
                yield RoomDevice(
                    name=pdu.name,
                    kind=DeviceKind.PDU,
                    address=pdu.address,
                    model=pdu.model,
                    room=rack.room,
                    place=rack.name,
                    outlets=pdu.outlets,
                    login=site.rooms_by_name[rack.room].snmp,
                )


def _ups(site: Site) -> Iterator[RoomDevice]:
    for ups in site.room.ups:
        if ups.address is not None:
            yield RoomDevice(
                name=ups.name,
                kind=DeviceKind.UPS,
                address=ups.address,
                model=ups.model,
                room=ups.room,
                place=ups.room,
                login=site.rooms_by_name[ups.room].snmp,
            )


def _sensors(site: Site) -> Iterator[RoomDevice]:
    for sensor in site.room.sensors:
        if sensor.address is not None:
            yield RoomDevice(
                name=sensor.name,
                kind=DeviceKind.SENSOR,
                address=sensor.address,
                room=sensor.room,
                place=sensor.rack or sensor.room,
                sensor=Quantity(sensor.kind.value),
                login=site.rooms_by_name[sensor.room].snmp,
            )
