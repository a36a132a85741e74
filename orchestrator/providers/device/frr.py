"""Linux routers with FRRouting: the running configuration, changed line by line through vtysh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from orchestrator.model.network import Platform
from orchestrator.providers.device import way_back
from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.driver import Change, Driver, Running
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.frr_text import commands, normal_frr, reverse
from orchestrator.providers.device.lines import Difference, Path, shown
from orchestrator.providers.device.nft import expect_program
from orchestrator.providers.device.scrub import scrubbed
from orchestrator.providers.device.shell import SHOWN_CHARACTERS, Shell, connected

ROUNDS = 3
"""A line that goes may take others along that are wanted: they are missing then, and said again."""

_STARTUP = "/etc/frr/frr.conf"
_SAVE = "vtysh -c 'write memory' >/dev/null && sync"


class FrrDriver(Driver[Shell]):
    """A Linux machine whose whole FRR configuration is ours."""

    platform: ClassVar[Platform] = Platform.FRR

    def normal(self, text: str) -> tuple[Path, ...]:
        """Return the configured lines."""
        return normal_frr(text)

    @contextmanager
    def connect(self, access: DeviceAccess, target: Target) -> Iterator[Shell]:
        """Connect to a Linux machine that has vtysh."""
        with connected(access, target) as shell:
            expect_program(shell, "vtysh")
            yield shell

    def settle(self, session: Shell) -> bool:
        """Fire what is still armed."""
        return way_back.fire_all(session)

    def read(self, session: Shell) -> Running:
        """Read the running and the startup configuration."""
        text = session.run("vtysh -c 'show running-config'")
        startup = session.run(f"cat {_STARTUP} 2>/dev/null || true")
        return Running(text=text, lines=normal_frr(text), startup=normal_frr(startup))

    def begin(self, session: Shell, change: Change) -> None:
        """Arm the way back, then say what differs until nothing does."""
        file = f"{way_back.FOLDER}/{change.id}.frr"
        session.run(f"umask 077; mkdir -p {way_back.FOLDER} && cat > {file}", given=reverse(change))
        # Twice: what a removed line took along is missing after the first time.
        restore = f"vtysh -f {file}\nvtysh -f {file}\n"
        way_back.arm(session, change.id, restore=restore, seconds=change.seconds)
        left, said = change.difference, ""
        for _ in range(ROUNDS):
            ended = way_back.load(session, change.id, _LOAD, given=commands(left, change.text))
            said = " ".join(scrubbed(ended.out + ended.err).split())
            now = normal_frr(session.run("vtysh -c 'show running-config'"))
            left = change.unmet(now)
            if not left:
                return
        raise DeviceError(
            session.target.name,
            DeviceFault.REFUSED,
            f"does not take {_named(left)}: {said[:SHOWN_CHARACTERS] or 'it does not say why'}",
        )

    def confirm(self, session: Shell, change: Change) -> None:
        """Disarm."""
        way_back.disarm(session, change.id)

    def go_back(self, session: Shell, change: Change) -> None:
        """Say the reverse."""
        way_back.fire(session, change.id)

    def save(self, session: Shell, running: Running) -> None:
        """Write the startup configuration."""
        session.run(_SAVE)


_LOAD = "umask 077; f=$(mktemp) && cat > $f && vtysh -f $f 2>&1; s=$?; rm -f $f; exit $s"
"""vtysh reads a file and goes on after a line it refuses; what is left over is judged, not this."""


def _named(left: Difference) -> str:
    lines = [f"`{shown(path)}`" for path in left.missing]
    lines += [f"the removal of `{shown(path)}`" for path in left.extra]
    return ", ".join(lines[:3]) + (f" and {len(lines) - 3} more" if len(lines) > 3 else "")
