"""The room's devices as resources: what is declared of them is kept on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from orchestrator.errors import SecretError
from orchestrator.model.readings import DeviceKind
from orchestrator.model.room import SnmpLogin, SnmpVersion
from orchestrator.model.units import Json, SecretRef
from orchestrator.ports.provider import Kind, Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, flag, mapping, text, whole
from orchestrator.providers.resource_kind import ResourceKind, declare
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.read import identify
from orchestrator.providers.snmp.settings import OUTLETS, read_settings
from orchestrator.providers.snmp.wire import Endpoint, Session, SnmpError, SnmpWire

WHERE = frozenset({"address", "login"})
"""How a device is reached: another one is another device."""

COMMON = {
    "name": Attribute(read=text, meaning="its own name, on the device", required=True),
    "place": Attribute(read=text, meaning="rack or room: its sysLocation", required=True),
    "address": Attribute(read=text, meaning="declared address", required=True),
    "login": Attribute(
        read=mapping, meaning="SNMP version, user, and secret:// references", required=True
    ),
    "answers": Attribute(
        read=flag, meaning="true; a device that is silent shows as false, and is not guessed at"
    ),
}


class RoomKind(ResourceKind):
    """A device with an SNMP agent. It is there already: making one is setting it up."""

    device: ClassVar[DeviceKind]

    def __init__(self, access: SnmpAccess, wire: SnmpWire) -> None:
        """Speak with nobody yet; these kinds need no cloud."""
        self._access = access
        self._wire = wire

    def create(self, inputs: Properties) -> Made:
        """Set the device up as declared. Raises SnmpError, which names the device."""
        self._bring_up(inputs)
        return Made(id=device_id(inputs), outputs=dict(inputs))

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Write what differs on the device."""
        self._bring_up(new)
        return dict(new)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Forget the device; what is set on it stays."""

    def observe(
        self, recorded: Mapping[str, Properties], /, *, max_age_seconds: float = 0.0
    ) -> dict[str, Observed]:
        """Return the settings of the devices, read all at once.

        A device that does not answer is not gone: all that is known is that it is silent. One whose
        login is not in the vault is unknown, and says which; the others are read nevertheless.
        """
        reached: dict[str, Endpoint] = {}
        unknown: dict[str, Observed] = {}
        for resource_id in sorted(recorded):
            try:
                reached[resource_id] = self._endpoint_of_id(resource_id)
            except SecretError as error:
                why: dict[str, Json] = {"answers": f"unknown: {error.message}"}
                unknown[resource_id] = Observed(id=resource_id, properties=why)
        names = {id(endpoint): resource_id for resource_id, endpoint in reached.items()}

        async def talk(session: Session) -> Observed:
            resource_id = names[id(session.endpoint)]
            try:
                found = await self._properties(session, _outlets_in(recorded[resource_id]))
            except SnmpError:
                return Observed(id=resource_id, properties={"answers": False})
            return Observed(id=resource_id, properties={"answers": True, **found})

        seen = self._wire.each([*reached.values()], talk)
        return unknown | {each.id: each for each in seen}

    def _bring_up(self, inputs: Properties) -> None:
        endpoint = self._access.endpoint(
            str(inputs["name"]), address=str(inputs["address"]), login=_login(inputs["login"])
        )

        async def talk(session: Session) -> None:
            identity = await identify(session, self.device)
            outlets = _outlets_in(inputs)
            settings = await read_settings(session, identity.family, outlets=outlets)
            await session.set(settings.differing(inputs))

        self._wire.each([endpoint], talk)

    async def _properties(self, session: Session, outlets: int) -> dict[str, Json]:
        identity = await identify(session, self.device)
        return (await read_settings(session, identity.family, outlets=outlets)).properties

    def _endpoint_of_id(self, resource_id: str) -> Endpoint:
        parts = urlsplit(resource_id)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        return self._access.endpoint(
            unquote(parts.path).strip("/"), address=str(parts.hostname), login=_login({**query})
        )


class PduKind(RoomKind):
    """A rack's PDU: its name and place, its outlets' names, the current at which it warns."""

    kind: ClassVar[Kind] = declare("room:Pdu", holds=False, replace_on=WHERE)
    device = DeviceKind.PDU
    attributes: ClassVar = {
        **COMMON,
        OUTLETS: Attribute(read=mapping, meaning="by number: the server whose supply hangs there"),
        "near_overload_amperes": Attribute(read=whole, meaning="per phase: it warns"),
        "overload_amperes": Attribute(read=whole, meaning="per phase: it alarms"),
    }


class UpsKind(RoomKind):
    """A UPS: its name and place, when it calls its battery low, and whether its alarm sounds."""

    kind: ClassVar[Kind] = declare("room:Ups", holds=False, replace_on=WHERE)
    device = DeviceKind.UPS
    attributes: ClassVar = {
        **COMMON,
        "low_battery_minutes": Attribute(read=whole, meaning="where the site declares it"),
        "audible_alarm": Attribute(
            read=text, meaning="`enabled` or `disabled`, where declared; a hand may have `muted` it"
        ),
    }


class SensorKind(RoomKind):
    """A sensor's name and place. No sensor's MIB that is spoken here has a writable threshold."""

    kind: ClassVar[Kind] = declare("room:Sensor", holds=False, replace_on=WHERE)
    device = DeviceKind.SENSOR
    attributes: ClassVar = COMMON


ROOM_KINDS: tuple[type[RoomKind], ...] = (PduKind, UpsKind, SensorKind)


def device_id(inputs: Properties) -> str:
    """Return the id of a device: all that is needed to reach it again, and no secret.

    `snmp://10.16.32.11/city-a01-pdu-a?version=v2c&community=secret%3A%2F%2F...`
    """
    address, login = str(inputs["address"]), inputs["login"]
    host = f"[{address}]" if ":" in address else address
    query = {**login} if isinstance(login, dict) else {}
    return f"snmp://{host}/{quote(str(inputs['name']))}?{urlencode(query)}"


def _outlets_in(inputs: Properties) -> int:
    """Return how many outlets are named; a number that grows must not stay at what was recorded."""
    outlets = inputs.get(OUTLETS)
    return len(outlets) if isinstance(outlets, dict) else 0


def _login(written: Json) -> SnmpLogin:
    """Read a login as `planning.slices` writes it: what the version does not use is not there."""
    given = written if isinstance(written, dict) else {}
    if given.get("version") != SnmpVersion.V3:
        return SnmpLogin(community=SecretRef(given["community"]))
    return SnmpLogin(
        version=SnmpVersion.V3,
        user=str(given["user"]),
        authentication=SecretRef(given["authentication"]),
        privacy=SecretRef(given["privacy"]),
    )
