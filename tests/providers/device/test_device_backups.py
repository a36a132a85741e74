"""Backups: private, kept once, bounded, and without secrets on a screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.providers.device.backups import KEPT, BackupFolder
from orchestrator.providers.device.scrub import scrubbed

THEN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_a_backup_is_private_and_the_same_text_is_kept_once(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "backups")
    first = folder.keep("router", "one\n", when="before", now=THEN)
    again = folder.keep("router", "one\n", when="after", now=THEN + timedelta(seconds=1))
    other = folder.keep("router", "two\n", when="after", now=THEN + timedelta(seconds=2))
    assert again == first
    assert folder.all() == (first, other)
    assert first.name == "router/20261122T030000000000Z-before"
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "backups" / "router").stat().st_mode & 0o077 == 0


def test_the_oldest_goes(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    for number in range(KEPT + 3):
        folder.keep("fw", f"{number}\n", when="after", now=THEN + timedelta(minutes=number))
    assert folder.of("fw")[0].text() == "3\n"
    assert len(folder.of("fw")) == KEPT


def test_what_follows_a_word_for_a_secret_is_hidden() -> None:
    text = (
        " local-user admin password irreversible-cipher $1c$abc$\n"
        "snmp-agent community read cipher %^%#xyz\n"
        " neighbor 10.0.0.1 password s3cret\n"
        " neighbor 10.0.0.1 timers 3 9\n"
    )
    shown = scrubbed(text)
    for secret in ("$1c$abc$", "xyz", "s3cret"):
        assert secret not in shown
    assert " neighbor 10.0.0.1 timers 3 9\n" in shown
    assert " neighbor 10.0.0.1 password ***" in shown
