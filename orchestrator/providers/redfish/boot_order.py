"""The order in which a server tries what it can boot from, in our words.

BMCs tell it in one of two ways: by kind (`AliasBootOrder`), or by the names of this very server's
boot options (`BootOrder`), which say themselves of what kind they are (DSP0268, ComputerSystem).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault, BootDevice
from orchestrator.providers.redfish.answers import Resource
from orchestrator.providers.redfish.client import Conversation

ALIASES = {BootDevice.PXE: "Pxe", BootDevice.CD: "Cd", BootDevice.DISK: "Hdd"}


@dataclass(frozen=True, kw_only=True, slots=True)
class BootOrder:
    """What a server tries, in order."""

    key: str
    """The property that holds it."""
    names: tuple[str, ...]
    """As the BMC names them."""
    kinds: tuple[str, ...]
    """Of each: `pxe`, `disk`, `cd`, or the BMC's own word for what is none of them."""

    def first(self, count: int) -> tuple[str, ...]:
        """Return the first kinds, each once: two network cards are one kind."""
        return tuple(dict.fromkeys(self.kinds))[:count]

    def beginning_with(self, declared: Sequence[str]) -> dict[str, list[str]] | None:
        """Return what to write so that it begins as declared; None where it does.

        Raises:
            BmcError: the server has nothing of a kind that is declared.
        """
        if self.first(len(declared)) == tuple(declared):
            return None
        for kind in declared:
            if kind not in self.kinds:
                has = ", ".join(dict.fromkeys(self.kinds)) or "nothing"
                raise BmcError(
                    f"it has nothing to boot from that is `{kind}`",
                    fault=BmcFault.REFUSED,
                    remedy=f"It has: {has}. Mend `boot_order` of its profile.",
                )
        rank = {kind: place for place, kind in enumerate(declared)}
        options = sorted(
            zip(self.names, self.kinds, strict=True), key=lambda one: rank.get(one[1], len(rank))
        )
        return {self.key: [name for name, _ in options]}


def read_boot_order(talk: Conversation, system: Resource) -> BootOrder:
    """Return the order.

    Raises:
        BmcError: the BMC does not tell it.
    """
    boot = system.get("Boot")
    told: Mapping[str, Any] = boot if isinstance(boot, Mapping) else {}
    by_kind = told.get("AliasBootOrder")
    if isinstance(by_kind, list) and by_kind:
        names = tuple(map(str, by_kind))
        return BootOrder(key="AliasBootOrder", names=names, kinds=tuple(map(_kind, names)))
    order = told.get("BootOrder")
    if not isinstance(order, list) or not told.get("BootOptions"):
        raise BmcError(
            "it does not tell in which order it boots",
            fault=BmcFault.REFUSED,
            remedy="Leave `boot_order` out for this profile.",
        )
    options = {
        str(option.get("BootOptionReference")): str(option.get("Alias") or "")
        for option in talk.members(told["BootOptions"])
    }
    names = tuple(map(str, order))
    return BootOrder(
        key="BootOrder",
        names=names,
        kinds=tuple(_kind(options.get(name) or name) for name in names),
    )


def _kind(alias: str) -> str:
    return next((device.value for device, word in ALIASES.items() if word == alias), alias)
