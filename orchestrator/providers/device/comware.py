"""H3C Comware 7 switches: each line counts at once, and all go back unless confirmed in time.

Words: H3C's configuration file management command reference (`configuration commit delay`,
`configuration commit`). There is no word for going back at once: the switch does it at its time.
"""

from __future__ import annotations

import time
from typing import ClassVar

from netmiko.hp import HPComwareSSH

from orchestrator.model.network import Platform
from orchestrator.providers.device.driver import Change, Running
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.lines import compare
from orchestrator.providers.device.screen import Screen
from orchestrator.providers.device.switch import SwitchDriver
from orchestrator.providers.device.switch_text import commands

SECONDS_A_MINUTE = 60
LINES_A_MINUTE = 600
"""How many lines a switch takes in a minute; the delay runs while they are entered."""
WAIT_SECONDS = 0.5


class ComwareDriver(SwitchDriver):
    """An H3C switch whose declared VLANs and lists are ours."""

    platform: ClassVar[Platform] = Platform.COMWARE
    words = HPComwareSSH
    filters = ("packet-filter ",)
    tells_pending: ClassVar[bool] = False

    def settle(self, session: Screen) -> bool:
        """Do nothing: a delay cannot be asked for, it is waited for before (`tells_pending`)."""
        return False

    def begin(self, session: Screen, change: Change) -> None:
        """Start the delay, then enter the lines."""
        minutes = -(-change.seconds // SECONDS_A_MINUTE)
        session.say(["system-view", f"configuration commit delay {minutes}"])
        session.say([*commands(change.difference), "return"])

    def confirm(self, session: Screen, change: Change) -> None:
        """Keep what was entered."""
        session.say(["system-view", "configuration commit", "return"])

    def go_back(self, session: Screen, change: Change) -> None:
        """Wait until the delay has passed and the switch is back."""
        until = time.monotonic() + change.seconds + SECONDS_A_MINUTE
        session.say(["return"])
        while time.monotonic() < until:
            running = self.ours(self.read(session), (*change.wanted, *change.before.lines))
            if not compare(change.before.lines, running.lines):
                return
            time.sleep(WAIT_SECONDS)
        raise DeviceError(
            session.target.name, DeviceFault.LOST, "did not go back in time to what it ran before"
        )

    def save(self, session: Screen, running: Running) -> None:
        """Save what runs."""
        session.ask("save force")

    def seconds(self, lines: int) -> int:
        """Return the time that entering the lines takes."""
        return SECONDS_A_MINUTE * (lines // LINES_A_MINUTE)
