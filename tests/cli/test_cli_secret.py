from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.model.units import SecretRef
from orchestrator.providers.host.keys import public_half
from tests.cli.conftest import Run
from tests.fakes.site_world import SiteWorld


def test_init_makes_key_and_passphrase_once(run: Run, site: Path) -> None:
    first = run("secret", "init", "--site", site)
    assert first.exit_code == 0, first.output
    assert first.stdout == "secret://state/passphrase\n"
    assert (site / ".vault-password").stat().st_mode & 0o077 == 0
    vault = (site / "secrets.vault.yaml").read_bytes()
    again = run("secret", "init", "--site", site)
    assert again.stdout == "Nothing to make: the vault has what was asked for.\n"
    assert (site / "secrets.vault.yaml").read_bytes() == vault


def test_init_generate_gives_a_value_to_each_reference_of_the_site(run: Run, site: Path) -> None:
    result = run("secret", "init", "--generate", "--site", site)
    assert result.stdout.split() == ["secret://bmc/city", "secret://state/passphrase"]
    assert run("secret", "list", "--site", site).exit_code == 0


def test_set_reads_stdin_and_shows_nothing(run: Run, site: Path) -> None:
    run("secret", "init", "--site", site)
    result = run("secret", "set", "bmc/city", "--site", site, input="hunter2canary\n")
    assert result.exit_code == 0
    assert "canary" not in result.output
    stored = AnsibleVaultSecrets(site).get(SecretRef("secret://bmc/city"))
    assert stored.reveal() == "hunter2canary"


def test_set_asks_a_person_twice_without_echo(run: Run, site: Path, world: SiteWorld) -> None:
    run("secret", "init", "--site", site)
    world.person = True
    result = run(
        "secret", "set", "secret://bmc/city", "--site", site, input="hunter2canary\nhunter2canary\n"
    )
    assert result.exit_code == 0
    assert "canary" not in result.output


def test_set_takes_no_value_from_the_command_line(run: Run, site: Path) -> None:
    assert run("secret", "set", "bmc/city", "hunter2", "--site", site).exit_code == 64


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_secret_is_refused(run: Run, site: Path, text: str) -> None:
    run("secret", "init", "--site", site)
    assert run("secret", "set", "bmc/city", "--site", site, input=text).exit_code == 64


def test_set_refuses_a_name_that_no_site_file_could_refer_to(run: Run, site: Path) -> None:
    run("secret", "init", "--site", site)
    result = run("secret", "set", "BMC city", "--site", site, input="x\n")
    assert result.exit_code == 64
    assert "secret://path/name" in result.stderr


def test_list_says_which_references_lack_a_value(run: Run, site: Path) -> None:
    run("secret", "init", "--site", site)
    result = run("secret", "list", "--site", site, "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"ref": "secret://bmc/city", "has_value": False, "used": True},
        {"ref": "secret://state/passphrase", "has_value": True, "used": False},
    ]


def test_a_vault_whose_password_is_lost_is_not_given_another(run: Run, site: Path) -> None:
    run("secret", "init", "--site", site)
    (site / ".vault-password").unlink()
    result = run("secret", "init", "--site", site)
    assert result.exit_code == 1
    assert not (site / ".vault-password").exists()


def test_generated_ssh_keys_are_keys(run: Run, site: Path) -> None:
    line = "password: secret://bmc/city}"
    text = (site / "hardware.yaml").read_text()
    (site / "hardware.yaml").write_text(
        text.replace(line, f"{line}\n    ssh: {{user: admin, key: secret://ssh/city}}")
    )
    assert run("secret", "init", "--generate", "--site", site).exit_code == 0
    vault = AnsibleVaultSecrets(site)
    key = SecretRef("secret://ssh/city")
    assert public_half(key, vault.get(key)).startswith("ssh-ed25519 ")
    assert "PRIVATE KEY" not in vault.get(SecretRef("secret://bmc/city")).reveal()
