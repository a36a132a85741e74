"""Where BMCs depart from what Redfish says, as a table: each entry with where it was learned.

Three cares need no entry, because they harm no BMC: one request at a time on each (sessions are
few: iDRAC has 8 and then answers RAC0218, bb-Ricardo/check_redfish#89), never an If-Match on an
action (iDRAC answers 412, ironcore-dev/metal-operator#1015), and both thermal trees are read, the
newer one first, by what the chassis links to (ibm-openbmc/dev#2791).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Etag(StrEnum):
    """What a PATCH must say about the version that it changes."""

    NONE = "none"
    AS_GIVEN = "as given"
    BARE = "bare"
    """Without quotes and weakness mark."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quirk:
    """One departure, and the BMCs that have it."""

    name: str
    vendors: frozenset[str]
    """Words, in lower case, of the service root's Vendor or Oem keys, or the Manufacturer."""
    etag: Etag = Etag.NONE
    repeat_boot_mode: bool = False
    """A boot override must repeat the boot mode, or it is refused or falls back to legacy."""
    virtual_cd: str = "Cd"
    """The boot target that means the virtual CD."""
    update_target: bool = False
    """A firmware update must name the system that it is for."""
    source: str


QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        name="ibmc-etag",
        vendors=frozenset({"huawei", "xfusion"}),
        etag=Etag.AS_GIVEN,
        source="iBMC answers 412 to a PATCH without If-Match: ansible/ansible#60031",
    ),
    Quirk(
        name="ami-boot-mode-echo",
        vendors=frozenset({"ami", "american"}),
        etag=Etag.AS_GIVEN,
        repeat_boot_mode=True,
        source="AMI MegaRAC wants the ETag and the boot mode echoed: stmcginnis/gofish#171",
    ),
    Quirk(
        name="gigabyte-bare-etag",
        vendors=frozenset({"gigabyte", "giga"}),
        etag=Etag.BARE,
        source="refuses the tag in its quotes: ansible-collections/community.general#6434",
    ),
    Quirk(
        name="supermicro-boot-mode",
        vendors=frozenset({"supermicro", "super"}),
        repeat_boot_mode=True,
        virtual_cd="UsbCd",
        update_target=True,
        source="drops the override without BootSourceOverrideMode, and `Cd` is the physical drive: "
        "DMTF/Redfishtool#106, ansible-collections/community.general#11542 and #3423; what an "
        "update is for: supermicro.com, FAQ 45630",
    ),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """All departures of one BMC."""

    quirks: tuple[Quirk, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the entries' names."""
        return tuple(quirk.name for quirk in self.quirks)

    @property
    def etag(self) -> Etag:
        """Return what a PATCH must carry."""
        return next((q.etag for q in self.quirks if q.etag is not Etag.NONE), Etag.NONE)

    @property
    def repeat_boot_mode(self) -> bool:
        """Say whether a boot override must carry the boot mode."""
        return any(quirk.repeat_boot_mode for quirk in self.quirks)

    @property
    def update_target(self) -> bool:
        """Say whether a firmware update must name its system."""
        return any(quirk.update_target for quirk in self.quirks)

    @property
    def virtual_cd(self) -> str:
        """Return the boot target of the virtual CD."""
        return next((q.virtual_cd for q in self.quirks if q.virtual_cd != "Cd"), "Cd")


def profile_of(
    root: Mapping[str, Any], manufacturer: str, table: Sequence[Quirk] = QUIRKS
) -> Profile:
    """Return what applies to a BMC by its service root and its system's manufacturer."""
    oem = root.get("Oem")
    said = [root.get("Vendor"), manufacturer, *(oem if isinstance(oem, dict) else ())]
    words = {word for text in said if isinstance(text, str) for word in text.lower().split()}
    return Profile(tuple(quirk for quirk in table if quirk.vendors & words))
