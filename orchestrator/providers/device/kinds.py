"""A network device as a resource: its declared configuration is kept on it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from orchestrator.errors import EngineError, SecretError
from orchestrator.model.network import DeviceLogin, Platform
from orchestrator.model.units import Json, SecretRef
from orchestrator.ports.provider import Fault, Kind, Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, flag, mapping, text, texts
from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.driver import Driver
from orchestrator.providers.device.faults import DeviceError, fault_text
from orchestrator.providers.device.lines import Path, shown
from orchestrator.providers.device.platforms import driver_of
from orchestrator.providers.device.push import Declared, Push
from orchestrator.providers.resource_kind import ResourceKind, declare

DEVICES_AT_ONCE = 64
"""Each is waited for far longer than it costs here."""

CONFIGURATION = "configuration"


class NetworkDeviceKind(ResourceKind):
    """A device with a login. It is there already: making one is bringing its configuration up."""

    kind: ClassVar[Kind] = declare(
        "network:Device",
        holds=False,
        replace_on={"address", "platform", "model"},
    )
    unseen: ClassVar[frozenset[str]] = frozenset({"text"})
    attributes: ClassVar = {
        "name": Attribute(read=text, meaning="the device's name in the site", required=True),
        "platform": Attribute(
            read=text, meaning="what it runs: nftables, frr, vrp or comware", required=True
        ),
        "model": Attribute(read=text, meaning="declared model; another is refused", required=True),
        "address": Attribute(read=text, meaning="declared address", required=True),
        "login": Attribute(
            read=mapping, meaning="SSH user, and secret:// references", required=True
        ),
        "text": Attribute(read=text, meaning="what was compiled for it", required=True),
        CONFIGURATION: Attribute(
            read=texts, meaning="made from `text`: its lines in normal form, each with its place"
        ),
        "saved": Attribute(
            read=flag, meaning="true; false where it would start with something else than it runs"
        ),
        "answers": Attribute(
            read=flag, meaning="true; a device that is silent shows as false, and is not guessed at"
        ),
        "fault": Attribute(read=text, meaning="empty; why it does not answer as it should"),
    }

    def __init__(self, access: DeviceAccess | None) -> None:
        """Speak with nobody yet; without `access`, with nobody at all."""
        self._reach = access

    @property
    def _access(self) -> DeviceAccess:
        if self._reach is None:
            raise EngineError(
                "this provider process has no place for host keys and backups of devices",
                remedy="Apply the network layer with the embedded engine.",
            )
        return self._reach

    def check(self, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        """Return the inputs with the lines that are to be compared."""
        checked, faults = super().check(inputs)
        if faults:
            return checked, faults
        platform = str(checked["platform"])
        if platform not in set(Platform):
            return checked, (Fault(attribute="platform", reason=f"`{platform}` is none"),)
        lines = driver_of(Platform(platform)).normal(str(checked["text"]))
        fixed: dict[str, Json] = {"saved": True, "answers": True, "fault": ""}
        return {**checked, **fixed, CONFIGURATION: [shown(path) for path in lines]}, ()

    def create(self, inputs: Properties) -> Made:
        """Bring the device's configuration up. Raises DeviceError, which names the device."""
        self._bring_up(inputs, former=None)
        return Made(id=device_id(inputs), outputs=dict(inputs))

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Push what differs on the device."""
        driver = driver_of(Platform(str(old["platform"])))
        self._bring_up(new, former=driver.normal(str(old["text"])))
        return dict(new)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Forget the device; what is configured on it stays."""

    def observe(
        self, recorded: Mapping[str, Properties], /, *, max_age_seconds: float = 0.0
    ) -> dict[str, Observed]:
        """Return what the devices run, `DEVICES_AT_ONCE` at a time.

        A device that does not answer is not gone: all that is known is why.
        """
        with ThreadPoolExecutor(DEVICES_AT_ONCE, thread_name_prefix="device") as readers:
            seen = readers.map(self._observe_one, recorded.keys(), recorded.values())
            return {each.id: each for each in seen}

    def _observe_one(self, resource_id: str, inputs: Properties) -> Observed:
        target, driver = target_of(inputs), driver_of(Platform(str(inputs["platform"])))
        try:
            with driver.connect(self._access, target) as session:
                running = driver.ours(driver.read(session), driver.normal(str(inputs["text"])))
        except (DeviceError, SecretError) as error:
            found: dict[str, Json] = {"answers": False, "fault": fault_text(error)}
            return Observed(id=resource_id, properties=found)
        return Observed(
            id=resource_id,
            properties={
                "answers": True,
                "fault": "",
                CONFIGURATION: [shown(path) for path in running.lines],
                "saved": running.saved,
            },
        )

    def _bring_up(self, inputs: Properties, *, former: tuple[Path, ...] | None) -> None:
        target = target_of(inputs)
        driver: Driver[Any] = driver_of(target.platform)
        push = Push(driver=driver, access=self._access, target=target)
        try:
            push.bring_up(Declared(text=str(inputs["text"]), former=former))
        except DeviceError as error:
            # A stack's report shows what an error says, and not what its remedy is.
            told = f"{error.reason}. {error.remedy}" if error.remedy else error.reason
            raise DeviceError(error.name, error.fault, told) from error


def device_id(inputs: Properties) -> str:
    """Return the id of a device: `ssh://ADDRESS/NAME`; who logs in may change."""
    target = target_of(inputs)
    host = f"[{target.address}]" if ":" in target.address else target.address
    return f"ssh://{host}/{target.name}"


def target_of(inputs: Properties) -> Target:
    """Return where a device is and how to log in to it."""
    login = inputs["login"]
    given = login if isinstance(login, dict) else {}
    password, key = given.get("password"), given.get("key")
    return Target(
        name=str(inputs["name"]),
        address=str(inputs["address"]),
        platform=Platform(str(inputs["platform"])),
        model=str(inputs["model"]),
        login=DeviceLogin(
            user=str(given["user"]),
            password=SecretRef(password) if password else None,
            key=SecretRef(key) if key else None,
        ),
    )


NETWORK_KINDS: tuple[type[NetworkDeviceKind], ...] = (NetworkDeviceKind,)
