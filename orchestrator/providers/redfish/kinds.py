"""What is kept on a server's BMC, as a resource: drift of metal is in the plan like any other."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import ClassVar
from urllib.parse import quote

from orchestrator.errors import BmcError, EngineError, SecretError
from orchestrator.model.hardware import Bmc
from orchestrator.model.units import Json, SecretRef
from orchestrator.ports.provider import Kind, Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, mapping, text, texts
from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.client import Limits
from orchestrator.providers.redfish.settings import Declared, read_settings, write_settings
from orchestrator.providers.resource_kind import ResourceKind, declare

PARALLEL = 64
"""BMCs at a time, as in a sweep: each waits far longer than it works."""

SETTINGS_LIMITS = Limits(total_seconds=15.0, answer_seconds=8.0)
"""A plan waits for the slowest BMC; a silent one costs this long, whatever else is asked."""

YES = "yes"


class SettingsKind(ResourceKind):
    """What is kept on a server's BMC. No server is restarted for it: its BIOS waits until it is.

    Deleting one forgets it, and leaves the server as it is.
    """

    kind: ClassVar[Kind] = declare(
        "hardware:Settings",
        holds=False,
        replace_on={"bmc_address"},
        at_restart={"bios"},
    )
    attributes: ClassVar = {
        "server": Attribute(read=text, meaning="its name in the site", required=True),
        "bmc_address": Attribute(read=text, meaning="declared address", required=True),
        "bmc_user": Attribute(read=text, meaning="login", required=True),
        "bmc_password": Attribute(read=text, meaning="secret:// reference", required=True),
        "asset_tag": Attribute(read=text, meaning="the server's name, where it is kept"),
        "bios": Attribute(read=mapping, meaning="attributes by the vendor's names"),
        "boot_order": Attribute(read=texts, meaning="what it boots from first: pxe, disk, cd"),
        "answers": Attribute(
            read=text, meaning="`yes`; of a BMC that is silent it says why, and nothing is guessed"
        ),
    }
    unseen = frozenset({"bmc_user", "bmc_password"})

    def __init__(self, bmcs: RedfishBmcs | None) -> None:
        """Speak with nobody yet; without BMCs every act is refused."""
        self._given = bmcs

    def create(self, inputs: Properties) -> Made:
        """Write what is not as declared. Raises BmcError, which says what the BMC said."""
        self._write(inputs)
        return Made(id=_id_of(inputs), outputs=dict(inputs))

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Write what is not as declared."""
        self._write(new)
        return dict(new)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Forget the settings; what is written stays."""

    def observe(
        self, recorded: Mapping[str, Properties], /, *, max_age_seconds: float = 0.0
    ) -> dict[str, Observed]:
        """Return what BMCs keep, asked at the same time, each only for what is declared.

        A BMC that does not answer is not gone: all that is known is why.
        """
        if not recorded:
            return {}
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="bmc-settings") as pool:
            seen = pool.map(self._look, recorded, recorded.values())
            return {each.id: each for each in seen}

    def _look(self, resource_id: str, inputs: Properties) -> Observed:
        try:
            with self._bmcs.system(_bmc(inputs)) as (talk, system):
                kept = read_settings(talk, system, _declared(inputs))
        except BmcError as error:
            return Observed(id=resource_id, properties={"answers": error.message})
        except SecretError as error:
            unknown: dict[str, Json] = {"answers": f"unknown: {error.message}"}
            return Observed(id=resource_id, properties=unknown)
        properties = {"answers": YES, **kept.properties}
        return Observed(id=resource_id, properties=properties, pending=kept.pending)

    def _write(self, inputs: Properties) -> None:
        with self._bmcs.system(_bmc(inputs)) as (talk, system):
            write_settings(talk, system, _declared(inputs))

    @property
    def _bmcs(self) -> RedfishBmcs:
        if self._given is None:
            raise EngineError(
                "this provider process was given no folder for what is known of BMCs",
                remedy="Apply the hardware layer with the embedded engine.",
            )
        return self._given


def _id_of(inputs: Properties) -> str:
    address = str(inputs["bmc_address"])
    host = f"[{address}]" if ":" in address else address
    return f"redfish://{host}/{quote(str(inputs['server']))}"


def _bmc(inputs: Properties) -> Bmc:
    return Bmc(
        address=ip_address(str(inputs["bmc_address"])),
        user=str(inputs["bmc_user"]),
        password=SecretRef(str(inputs["bmc_password"])),
    )


def _declared(inputs: Properties) -> Declared:
    tag: Json = inputs.get("asset_tag")
    bios, order = inputs.get("bios"), inputs.get("boot_order")
    return Declared(
        asset_tag=tag if isinstance(tag, str) else None,
        bios={name: str(value) for name, value in bios.items()} if isinstance(bios, dict) else {},
        boot_order=tuple(map(str, order)) if isinstance(order, list) else (),
    )
