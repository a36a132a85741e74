"""What is kept on devices: their names, their outlets' names, their thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.model.readings import FaultKind
from orchestrator.model.units import Json
from orchestrator.providers.snmp.mibs import SYS_LOCATION, Family, Threshold
from orchestrator.providers.snmp.values import Oid, Value
from orchestrator.providers.snmp.wire import Session, SnmpError

NAME, PLACE, OUTLETS = "name", "place", "outlets"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A device's settings, each with the objects that hold it."""

    held: Mapping[str, Mapping[Oid, Value]]
    """By attribute: the objects that hold its one value. A threshold has one for each phase."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By attribute: what its numbers from 1 on mean, where they are no quantity."""
    outlets: Mapping[str, tuple[Oid, Value]] = field(default_factory=dict)
    """By number."""

    @property
    def properties(self) -> dict[str, Json]:
        """Return the settings in the shape of a resource's inputs; absent objects are left out.

        Where the objects of one attribute disagree, all their values stand there: no declared
        value equals that.
        """
        found: dict[str, Json] = {}
        for attribute, objects in self.held.items():
            values = [
                self._shown(attribute, value) for value in objects.values() if value is not None
            ]
            if values:
                found[attribute] = values[0] if len(set(values)) == 1 else [*values]
        if self.outlets:
            found[OUTLETS] = {number: name for number, (_, name) in self.outlets.items()}
        return found

    def differing(self, wanted: Mapping[str, Json]) -> dict[Oid, int | str]:
        """Return what must be written to make the settings as wanted.

        Raises:
            SnmpError: the device has no object for something that is wanted.
        """
        writes: dict[Oid, int | str] = {}
        for attribute, objects in self.held.items():
            value = self._told(attribute, wanted.get(attribute))
            if isinstance(value, int | str):
                present = {oid: old for oid, old in objects.items() if old is not None}
                if not present:
                    raise SnmpError(FaultKind.MISSING, f"the device has no object for {attribute}")
                writes |= {oid: value for oid, old in present.items() if old != value}
        return writes | self._differing_outlets(wanted.get(OUTLETS))

    def _shown(self, attribute: str, value: int | str) -> int | str:
        words = self.words.get(attribute, ())
        known = isinstance(value, int) and 0 < value <= len(words)
        return words[int(value) - 1] if known else value

    def _told(self, attribute: str, wanted: Json) -> Json:
        """Return what is sent for a declared value. Raises ValueError for a word of no meaning."""
        words = self.words.get(attribute, ())
        return words.index(wanted) + 1 if words and isinstance(wanted, str) else wanted

    def _differing_outlets(self, wanted: Json) -> dict[Oid, int | str]:
        if not isinstance(wanted, dict):
            return {}
        missing = sorted(wanted.keys() - self.outlets.keys(), key=int)
        if missing:
            raise SnmpError(
                FaultKind.MISSING,
                f"the device has {len(self.outlets)} outlets; declared are {len(wanted)}",
            )
        names = {number: str(name) for number, name in wanted.items()}
        return {
            self.outlets[number][0]: name
            for number, name in names.items()
            if self.outlets[number][1] != name
        }


async def read_settings(session: Session, family: Family, *, outlets: int) -> Settings:
    """Read what is kept on a device. Raises SnmpError."""
    single = [each for each in family.thresholds if not each.rows]
    oids = [*family.name_oids, SYS_LOCATION, *(each.oid for each in single)]
    values = await session.get(oids)
    held: dict[str, Mapping[Oid, Value]] = {
        NAME: {oid: values[oid] for oid in family.name_oids},
        PLACE: {SYS_LOCATION: values[SYS_LOCATION]},
        **{each.name: {each.oid: values[each.oid]} for each in single},
        **await _read_columns(session, [each for each in family.thresholds if each.rows]),
    }
    words = {each.name: each.words for each in family.thresholds if each.words}
    if not family.outlet_names or not outlets:
        return Settings(held=held, words=words)
    column = family.outlet_names
    rows = (await session.columns([column], outlets))[column]
    return Settings(
        held=held,
        words=words,
        outlets={number: (f"{column}.{number}", name) for number, name in rows.items()},
    )


async def _read_columns(
    session: Session, thresholds: list[Threshold]
) -> dict[str, Mapping[Oid, Value]]:
    if not thresholds:
        return {}
    rows = max(each.rows for each in thresholds)
    table = await session.columns([each.oid for each in thresholds], rows)
    return {
        each.name: {f"{each.oid}.{index}": value for index, value in table[each.oid].items()}
        for each in thresholds
    }
