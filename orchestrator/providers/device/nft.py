"""Linux zone firewalls: one nftables table, replaced as a whole in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from orchestrator.model.network import Platform
from orchestrator.providers.device import way_back
from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.driver import Change, Driver, Running
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.lines import Path
from orchestrator.providers.device.nft_text import TABLE, normal_table, table_block
from orchestrator.providers.device.shell import Shell, connected

STARTUP = "/etc/orchestrator/zones.nft"
_INCLUDE = f'include "{STARTUP}"'
_MAIN = "/etc/nftables.conf"
"""What nftables.service loads at boot (Debian's package nftables)."""

_CLEAR = f"table {TABLE}\ndelete table {TABLE}\n"
"""Works whether the table exists or not."""

_LOAD = "nft --file -"
_SAVE = f"""
umask 077; mkdir -p /etc/orchestrator
cat > {STARTUP}.new && mv {STARTUP}.new {STARTUP} || exit 1
grep -qxF '{_INCLUDE}' {_MAIN} 2>/dev/null || printf '\\n%s\\n' '{_INCLUDE}' >> {_MAIN} || exit 1
if [ -d /run/systemd/system ] && ! systemctl is-enabled --quiet nftables; then
  systemctl enable --quiet nftables || exit 1
fi
sync
"""

_SAVED = f"""
grep -qxF '{_INCLUDE}' {_MAIN} 2>/dev/null || exit 0
if [ -d /run/systemd/system ] && ! systemctl is-enabled --quiet nftables; then exit 0; fi
cat {STARTUP} 2>/dev/null || true
"""


class NftablesDriver(Driver[Shell]):
    """A Linux machine whose forwarding is ruled by our table."""

    platform: ClassVar[Platform] = Platform.NFTABLES
    ordered: ClassVar[bool] = True

    def normal(self, text: str) -> tuple[Path, ...]:
        """Return the lines of our table."""
        return normal_table(text)

    @contextmanager
    def connect(self, access: DeviceAccess, target: Target) -> Iterator[Shell]:
        """Connect to a Linux machine that has nft."""
        with connected(access, target) as shell:
            expect_program(shell, "nft")
            yield shell

    def settle(self, session: Shell) -> bool:
        """Fire what is still armed."""
        return way_back.fire_all(session)

    def read(self, session: Shell) -> Running:
        """Read the ruleset, without counters; protocols by number, as they are compiled."""
        text = session.run("nft --stateless --numeric-protocol list ruleset")
        startup = session.run(_SAVED)
        return Running(text=text, lines=normal_table(text), startup=normal_table(startup))

    def begin(self, session: Shell, change: Change) -> None:
        """Let nft check both ways first, then arm, then load."""
        restore = _CLEAR + table_block(change.before.text)
        session.run("nft --check --file -", given=restore)
        session.run("nft --check --file -", given=change.text)
        heredoc = f"nft --file - <<'END_OF_RULES'\n{restore}END_OF_RULES\n"
        way_back.arm(session, change.id, restore=heredoc, seconds=change.seconds)
        ended = way_back.load(session, change.id, _LOAD, given=change.text)
        session.succeeded(_LOAD, ended)

    def confirm(self, session: Shell, change: Change) -> None:
        """Disarm."""
        way_back.disarm(session, change.id)

    def go_back(self, session: Shell, change: Change) -> None:
        """Load the old table."""
        way_back.fire(session, change.id)

    def save(self, session: Shell, running: Running) -> None:
        """Write the running table into the startup file."""
        session.run(_SAVE, given=_CLEAR + table_block(running.text))


def expect_program(shell: Shell, program: str) -> None:
    """Refuse a machine that is not what is declared.

    Raises:
        DeviceError: it is no Linux machine, or lacks the program.
    """
    told = shell.ask(f"uname -s && command -v {program}")
    if told.status != 0:
        what = told.out.strip() or told.err.strip()[:60] or "nothing"
        raise DeviceError(
            shell.target.name,
            DeviceFault.MODEL,
            f"declared is a Linux machine with `{program}`; what answers says: {what}",
            remedy=f"Compare its address with the site, or install `{program}` there.",
        )
