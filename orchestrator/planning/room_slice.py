"""Cut one region's room devices out of the site: what stands on each PDU, and where it warns."""

from __future__ import annotations

from orchestrator.model.physical_slices import PduSlice, RoomSlice, SensorSlice, UpsSlice
from orchestrator.model.readings import DeviceKind, RoomDevice
from orchestrator.model.room import BREAKER_DERATING, Pdu, Rack, SnmpLogin, SnmpVersion, Ups
from orchestrator.model.site import Site
from orchestrator.planning.room_devices import outlet_names, room_devices


def room_slice(site: Site, region: str) -> RoomSlice:
    """Return the devices of one region that have an address."""
    rooms = {room.name for room in site.room.rooms if room.region == region}
    devices = room_devices(site, rooms) if rooms else ()
    ups_by_name = {ups.name: ups for ups in site.room.ups}
    return RoomSlice(
        site=site.name,
        region=region,
        pdus=tuple(
            _pdu(site, rack, pdu)
            for rack in sorted(site.room.racks, key=lambda rack: rack.name)
            if rack.room in rooms
            for pdu in sorted(rack.pdus, key=lambda pdu: pdu.name)
            if pdu.address is not None
        ),
        ups=tuple(
            UpsSlice(
                name=device.name,
                place=device.place,
                address=str(device.address),
                login=written_login(device.login),
                low_battery_minutes=ups_by_name[device.name].low_battery_minutes,
                audible_alarm=_audible(ups_by_name[device.name]),
            )
            for device in devices
            if device.kind is DeviceKind.UPS
        ),
        sensors=tuple(_sensor(each) for each in devices if each.kind is DeviceKind.SENSOR),
    )


def written_login(login: SnmpLogin) -> dict[str, str]:
    """Return a login as plain data: only what its version uses, so that no other change shows."""
    if login.version is SnmpVersion.V2C:
        return {"version": login.version.value, "community": str(login.community)}
    return {
        "version": login.version.value,
        "user": login.user,
        "authentication": str(login.authentication),
        "privacy": str(login.privacy),
    }


def _pdu(site: Site, rack: Rack, pdu: Pdu) -> PduSlice:
    breaker = next((feed.amperes for feed in rack.feeds if feed.side is pdu.side), None)
    names = outlet_names(site, rack)[pdu.name]
    return PduSlice(
        name=pdu.name,
        place=rack.name,
        address=str(pdu.address),
        login=written_login(site.rooms_by_name[rack.room].snmp),
        outlets={str(number): name for number, name in names.items()},
        near_overload_amperes=None if breaker is None else int(breaker * BREAKER_DERATING),
        overload_amperes=breaker,
    )


def _audible(ups: Ups) -> str | None:
    if ups.audible_alarm is None:
        return None
    return "enabled" if ups.audible_alarm else "disabled"


def _sensor(device: RoomDevice) -> SensorSlice:
    return SensorSlice(
        name=device.name,
        place=device.place,
        address=str(device.address),
        login=written_login(device.login),
    )
