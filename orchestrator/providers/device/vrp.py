"""Huawei CloudEngine switches: a candidate configuration, committed on trial.

Words: Huawei's configuration management command reference (`commit trial`, `abort trial`,
`display configuration trial status`, `clear configuration candidate`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from netmiko.huawei import HuaweiVrpv8SSH

from orchestrator.model.network import Platform
from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.driver import Change, Driver, Running
from orchestrator.providers.device.faults import DeviceError
from orchestrator.providers.device.lines import Path
from orchestrator.providers.device.screen import Screen, expect_model, opened
from orchestrator.providers.device.switch_text import commands, normal_switch, ours

TRIAL = "orchestrator"
"""Names our trial, so that another connection may confirm it."""
SHORTEST_TRIAL_SECONDS = 60
_FILTERS = ("traffic-filter ",)


class VrpDriver(Driver[Screen]):
    """A Huawei switch whose declared VLANs and lists are ours."""

    platform: ClassVar[Platform] = Platform.VRP

    def normal(self, text: str) -> tuple[Path, ...]:
        """Return the lines of VLANs, lists and filters."""
        return normal_switch(text, filters=_FILTERS)

    def ours(self, running: Running, declared: Sequence[Path]) -> Running:
        """Return only the declared parts."""
        return ours(running, declared)

    @contextmanager
    def connect(self, access: DeviceAccess, target: Target) -> Iterator[Screen]:
        """Connect to a switch of the declared model."""
        with opened(access, target, HuaweiVrpv8SSH) as screen:
            expect_model(screen, screen.ask("display version"))
            yield screen

    def settle(self, session: Screen) -> None:
        """Abort a trial of ours that nobody confirmed."""
        status = session.ask("display configuration trial status")
        if TRIAL in status:
            session.say(["system-view", f"abort trial persist {TRIAL}", "return"])

    def read(self, session: Screen) -> Running:
        """Read the running and the startup configuration."""
        text = session.ask("display current-configuration")
        startup = session.ask("display saved-configuration")
        return Running(text=text, lines=self.normal(text), startup=self.normal(startup))

    def begin(self, session: Screen, change: Change) -> None:
        """Edit the candidate, which changes nothing yet, then commit it on trial."""
        seconds = max(SHORTEST_TRIAL_SECONDS, change.seconds)
        try:
            session.say(["system-view", *commands(change.difference)])
            session.say([f"commit trial {seconds} persist {TRIAL}", "return"])
        except DeviceError:
            session.say(["return", "system-view", "clear configuration candidate", "return"])
            raise

    def confirm(self, session: Screen, change: Change) -> None:
        """End the trial by keeping it."""
        session.say(["system-view", f"commit persist {TRIAL}", "return"])

    def go_back(self, session: Screen, change: Change) -> None:
        """Abort the trial, where there is one."""
        self.settle(session)

    def save(self, session: Screen, running: Running) -> None:
        """Save what runs."""
        session.save()
