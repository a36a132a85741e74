"""Push a configuration so that a wrong one undoes itself: commit, prove, then confirm."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.backups import BackupFolder
from orchestrator.providers.device.driver import Change, Driver, Running
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.lines import Difference, Path, compare, shown
from orchestrator.providers.device.pending import PendingNote

LONGEST_WAIT_SECONDS = 900.0
PAUSE_SECONDS = 1.0
"""Between two tries to reach a device that was cut off."""
NOTE_MARGIN_SECONDS = 5.0
"""The device begins to count after the note is written."""
SHOWN_LINES = 3

_CUT_OFF = frozenset({DeviceFault.SILENT, DeviceFault.LOGIN})
"""What a configuration that locks us out looks like from here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What a device is to run."""

    text: str
    """As it was compiled."""
    former: tuple[Path, ...] | None = None
    """The lines of the last push; None at first contact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """Pushes to one device. All methods raise DeviceError, which names the device."""

    driver: Driver[Any]
    """Whatever its conversation is, it stays inside."""
    access: DeviceAccess
    target: Target

    def bring_up(self, declared: Declared) -> None:
        """Make the device run, and start with, what is declared; nothing where it does already.

        1. What a killed push left is ended. 2. What runs is backed up. 3. The way back is armed on
        the device. 4. The change is applied. 5. A new connection proves the management path.
        6. Only then is it confirmed, and saved as the startup configuration.
        """
        self._await_killed_push()
        with self.driver.connect(self.access, self.target) as session:
            if self.driver.settle(session):
                self._tell("took back what a killed push had left unconfirmed")
            change = self._change(self.driver.read(session), declared)
            swapped = self.driver.ordered and change.before.lines != change.wanted
            if not change.difference and not swapped:
                if not change.before.saved:
                    self._save(session, change, change.before)
                return
            self._keep(change.before, "before")
            self._note.write(change.seconds + NOTE_MARGIN_SECONDS)
            try:
                self._begin(session, change)
            except DeviceError as error:
                self._forget(error)
                raise
        try:
            self._prove(change)
        except DeviceError as error:
            self._forget(error)
            raise
        self._note.clear()

    @property
    def _note(self) -> PendingNote:
        return PendingNote(self.access.folder, self.target.address)

    def _forget(self, error: DeviceError) -> None:
        """Forget the push unless the device may still be about to go back."""
        if error.fault is not DeviceFault.LOST:
            self._note.clear()

    def _await_killed_push(self) -> None:
        """Wait until a device that cannot be asked has gone back from what a killed run pushed."""
        if self.driver.tells_pending:
            return
        seconds = self._note.seconds_left(at_most=LONGEST_WAIT_SECONDS)
        if seconds:
            self._tell(f"a push to it was killed; waiting {seconds:.0f} s until it has gone back")
            time.sleep(seconds)

    def _tell(self, line: str) -> None:
        self.access.tell(f"{self.target.name}: {line}")

    def _change(self, before: Running, declared: Declared) -> Change:
        wanted = self.driver.normal(declared.text)
        scope = (*wanted, *(declared.former or ()))
        ours = self.driver.ours(before, scope)
        lines = len(compare(wanted, ours.lines).missing)
        return Change(
            id=secrets.token_hex(4),
            before=ours,
            text=declared.text,
            wanted=wanted,
            adopts=declared.former is None,
            seconds=self.access.limits.confirm + self.driver.seconds(lines),
            began=time.monotonic(),
        )

    def _running(self, session: object, change: Change) -> Running:
        scope = (*change.wanted, *change.before.lines)
        return self.driver.ours(self.driver.read(session), scope)

    def _begin(self, session: object, change: Change) -> None:
        try:
            self.driver.begin(session, change)
        except DeviceError as error:
            if error.fault in _CUT_OFF:
                raise self._returned(change, error) from error
            raise self._taken_back(session, change, error) from error

    def _taken_back(self, session: object, change: Change, cause: DeviceError) -> DeviceError:
        """Go back at once, and see whether the device did; return what is to be said of it."""
        try:
            self.driver.go_back(session, change)
            left = compare(change.before.lines, self._running(session, change).lines)
        except DeviceError as error:
            return self._returned(change, error) if error.fault in _CUT_OFF else error
        if left:
            fault, after = DeviceFault.LOST, f"it is not back to what it ran before: {named(left)}"
        else:
            fault, after = cause.fault, "it runs what it ran before"
        return DeviceError(cause.name, fault, f"{cause.reason}; {after}", remedy=cause.remedy)

    def _prove(self, change: Change) -> None:
        """Confirm over a new connection: an old one may live on where no new one gets through."""
        try:
            with self.driver.connect(self.access, self.target) as session:
                running = self._running(session, change)
                left = change.unmet(running.lines)
                if left and not compare(change.before.lines, running.lines):
                    raise self._healed(
                        "no new connection was let in", time.monotonic() - change.began
                    )
                if left:
                    wrong = f"runs something else than it was given ({named(left)})"
                    cause = DeviceError(self.target.name, DeviceFault.REFUSED, wrong)
                    raise self._taken_back(session, change, cause)
                self.driver.confirm(session, change)
                self._keep(running, "after")
                self._save(session, change, running)
        except DeviceError as error:
            if error.fault in _CUT_OFF:
                raise self._returned(change, error) from error
            raise

    def _save(self, session: object, change: Change, running: Running) -> None:
        """Save what runs, and see that it is saved: not every device says that its disk is full."""
        try:
            self.driver.save(session, running)
            saved, why = self._running(session, change).saved, "it would start with other lines"
        except DeviceError as error:
            saved, why = False, error.reason
        if not saved:
            raise DeviceError(
                self.target.name,
                DeviceFault.UNSAVED,
                f"runs what it was given, but did not save it: {why}",
                remedy="See whether its disk is full, then apply again.",
            )

    def _returned(self, change: Change, cause: DeviceError) -> DeviceError:
        """Wait for the device to come back by itself; return what is to be said of it."""
        patience = change.seconds + self.access.limits.come_back
        self._tell(
            f"cut off by the new configuration ({cause.reason}); it takes that back by itself, "
            f"waiting up to {patience:.0f} s"
        )
        until = time.monotonic() + patience
        keeps_it = False
        while time.monotonic() < until:
            try:
                with self.driver.connect(self.access, self.target) as session:
                    running = self._running(session, change)
            except DeviceError as error:
                if error.fault not in _CUT_OFF:
                    return error
            else:
                if not compare(change.before.lines, running.lines):
                    return self._healed(cause.reason, time.monotonic() - change.began)
                keeps_it = not change.unmet(running.lines)
            time.sleep(PAUSE_SECONDS)
        if keeps_it:  # longer than the way back takes: the confirmation did reach it
            return DeviceError(
                self.target.name,
                DeviceFault.UNSAVED,
                f"runs what it was given, but broke off while it was told to keep it "
                f"({cause.reason})",
                remedy="Apply again: that saves it.",
            )
        return DeviceError(
            self.target.name,
            DeviceFault.LOST,
            f"the new configuration was not confirmed ({cause.reason}), and the device is not "
            f"back with the old one after {patience:.0f} s",
            remedy="Look at its console; restarted, it runs what it saved last.",
        )

    def _healed(self, cause: str, seconds: float) -> DeviceError:
        return DeviceError(
            self.target.name,
            DeviceFault.LOCKED_OUT,
            f"could not be reached with the new configuration ({cause}); the device took it back "
            f"by itself and runs what it ran before, {seconds:.0f} s after the push began",
            remedy="Unless it lost its power meanwhile, the new configuration cuts off the "
            "management path: declare what the way from here to the device needs, then apply "
            "again.",
        )

    def _keep(self, running: Running, when: str) -> None:
        folder = BackupFolder(self.access.folder / "backups")
        folder.keep(self.target.name, running.text, when=when, now=utc_now())


def utc_now() -> datetime:
    """Return the time, for the names of backups."""
    # The provider has no clock port; as in every provider, time is read at the wire.
    return datetime.fromtimestamp(time.time(), UTC)


def named(left: Difference) -> str:
    """Return a difference in a few words."""
    lines = [f"missing `{shown(path)}`" for path in left.missing]
    lines += [f"extra `{shown(path)}`" for path in left.extra]
    more = f" and {len(lines) - SHOWN_LINES} more" if len(lines) > SHOWN_LINES else ""
    return ", ".join(lines[:SHOWN_LINES]) + more
