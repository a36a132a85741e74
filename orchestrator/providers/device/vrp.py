"""Huawei CloudEngine switches: a candidate configuration, committed on trial.

Words: Huawei's configuration management command reference (`commit trial`, `abort trial`,
`display configuration trial status`, `clear configuration candidate`).
"""

from __future__ import annotations

from typing import ClassVar

from netmiko.huawei import HuaweiVrpv8SSH

from orchestrator.model.network import Platform
from orchestrator.providers.device.driver import Change, Running
from orchestrator.providers.device.faults import DeviceError
from orchestrator.providers.device.screen import Screen
from orchestrator.providers.device.switch import SwitchDriver
from orchestrator.providers.device.switch_text import commands

TRIAL = "orchestrator"
"""Names our trial, so that another connection may confirm it."""
SHORTEST_TRIAL_SECONDS = 60


class VrpDriver(SwitchDriver):
    """A Huawei switch whose declared VLANs and lists are ours."""

    platform: ClassVar[Platform] = Platform.VRP
    words = HuaweiVrpv8SSH
    filters = ("traffic-filter ",)

    def settle(self, session: Screen) -> bool:
        """Abort a trial of ours that nobody confirmed."""
        on_trial = TRIAL in session.ask("display configuration trial status")
        if on_trial:
            session.say(["system-view", f"abort trial persist {TRIAL}", "return"])
        return on_trial

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
