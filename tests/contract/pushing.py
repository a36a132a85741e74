"""What a test of pushes has at hand: a target, its secret, and the state folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.model.network import DeviceLogin, Platform
from orchestrator.model.units import Secret, SecretRef
from orchestrator.providers.device.access import DeviceAccess, Limits, Target
from orchestrator.providers.device.driver import Driver, Running
from orchestrator.providers.device.lines import shown
from orchestrator.providers.device.platforms import driver_of
from orchestrator.providers.device.push import Declared, Push

ADDRESS = "10.0.0.1"
REFERENCE = SecretRef("secret://network/device")
CONFIRM_SECONDS = 4


class OneSecret:
    """A secret store that holds one."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get(self, ref: SecretRef) -> Secret:
        assert ref == REFERENCE
        return Secret(self._value)

    def names(self) -> frozenset[str]:
        return frozenset({REFERENCE})

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise AssertionError("nothing is stored here")


class Pusher:
    """Pushes to one device, and reads it."""

    def __init__(
        self, folder: Path, place: tuple[str, int], platform: Platform, login: tuple[str, str],
        *, model: str = "any", password: bool = False, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        user, secret = login
        self.told: list[str] = []
        reference = {"password": REFERENCE} if password else {"key": REFERENCE}
        self.access = DeviceAccess(
            endpoints={"ssh": {ADDRESS: {"host": place[0], "port": place[1]}}},
            secrets=OneSecret(secret),
            folder=folder,
            limits=limits or Limits(connect=3, command=15, confirm=CONFIRM_SECONDS, come_back=20),
            tell=self.told.append,
        )
        self.target = Target(
            name="device", address=ADDRESS, platform=platform, model=model,
            login=DeviceLogin(user=user, **reference),
        )  # fmt: skip
        self.driver: Driver[Any] = driver_of(platform)
        self.push = Push(driver=self.driver, access=self.access, target=self.target)

    def bring_up(self, text: str, former: str | None = None) -> None:
        lines = None if former is None else self.driver.normal(former)
        self.push.bring_up(Declared(text=text, former=lines))

    def abandon(self, text: str, former: str) -> None:
        """Do what a run does that is killed after it has applied, and before it confirms."""
        with self.driver.connect(self.access, self.target) as session:
            declared = Declared(text=text, former=self.driver.normal(former))
            change = self.push._change(self.driver.read(session), declared)
            self.push._note.write(change.seconds)
            self.driver.begin(session, change)

    def running(self) -> Running:
        with self.driver.connect(self.access, self.target) as session:
            return self.driver.read(session)

    def lines(self) -> set[str]:
        return {shown(path) for path in self.running().lines}
