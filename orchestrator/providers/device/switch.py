"""What the switches of all vendors have in common: their words for looking, and what is ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from netmiko.base_connection import BaseConnection

from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.driver import Driver, Running
from orchestrator.providers.device.lines import Path
from orchestrator.providers.device.screen import Screen, expect_model, opened
from orchestrator.providers.device.switch_text import normal_switch, ours


class SwitchDriver(Driver[Screen]):
    """A switch whose declared VLANs and lists are ours, spoken to on its command line."""

    words: ClassVar[type[BaseConnection]]
    """Netmiko's class for its prompts and pages."""
    filters: ClassVar[tuple[str, ...]]
    """How a line begins that puts a list on an interface."""

    def normal(self, text: str) -> tuple[Path, ...]:
        """Return the lines of VLANs, lists and filters."""
        return normal_switch(text, filters=self.filters)

    def ours(self, running: Running, declared: Sequence[Path]) -> Running:
        """Return only the declared parts."""
        return ours(running, declared)

    @contextmanager
    def connect(self, access: DeviceAccess, target: Target) -> Iterator[Screen]:
        """Connect to a switch of the declared model."""
        with opened(access, target, self.words) as screen:
            expect_model(screen, screen.ask("display version"))
            yield screen

    def read(self, session: Screen) -> Running:
        """Read the running and the startup configuration."""
        text = session.ask("display current-configuration")
        startup = session.ask("display saved-configuration")
        return Running(text=text, lines=self.normal(text), startup=self.normal(startup))
