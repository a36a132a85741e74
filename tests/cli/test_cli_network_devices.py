"""`orchestrator network diff|backup|backups`, where there is nobody to ask."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import cli
from orchestrator.cli.wiring import MachineWiring
from orchestrator.providers.device.backups import BackupFolder

THEN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], obj=MachineWiring({}))


@pytest.mark.parametrize("command", ["diff", "backup"])
def test_a_site_without_logins_has_nobody_to_ask(site: Path, command: str) -> None:
    result = run("network", command, "--site", site)
    assert result.exit_code == 64
    assert "no device of the site has a login" in result.stderr


def test_an_unknown_device_is_refused(site: Path) -> None:
    result = run("network", "diff", "no-such-device", "--site", site)
    assert result.exit_code == 64
    assert "no device `no-such-device` with a login is declared" in result.stderr


def test_backups_are_listed_shown_without_secrets_and_compared(site: Path) -> None:
    folder = BackupFolder(site / ".orchestrator" / "devices" / "backups")
    secret = " neighbor 10.0.0.1 password hunter2\n"
    old = folder.keep("router", f"one\n{secret}", when="before", now=THEN)
    new = folder.keep("router", f"two\n{secret}", when="after", now=THEN.replace(hour=4))

    listed = run("network", "backups", "--site", site)
    assert listed.exit_code == 0
    assert old.name in listed.stdout
    assert "2 backups." in listed.stdout

    shown = run("network", "backups", "--show", old.name, "--site", site)
    assert shown.stdout == "one\n neighbor 10.0.0.1 password ***\n"

    compared = run("network", "backups", "router", "--diff", "--site", site)
    assert compared.exit_code == 2
    assert f"--- {old.name}\n+++ {new.name}\n" in compared.stdout
    assert "\n-one\n+two\n" in compared.stdout
    assert "hunter2" not in compared.stdout

    lost = run("network", "backups", "--show", "router/never", "--site", site)
    assert lost.exit_code == 1
    assert "there is no backup router/never" in lost.stderr
