"""`orchestrator secret`: keep the site's secrets in its vault."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import output_option, password_file_option, site_option
from orchestrator.model.units import REFERENCE_SCHEME, Secret, SecretRef


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator secret init --site inventory/yangzhou",
        "orchestrator secret set bmc/city",
        "orchestrator secret list",
    ),
)
def secret() -> None:
    """Keep the site's secrets in its vault.

    The vault is an ansible-vault file beside the site's YAML, which refers to
    it as secret://path/name. Values are never shown and never arguments.
    """


@secret.command(
    examples=(
        "orchestrator secret init --site inventory/yangzhou",
        "orchestrator secret init --generate",
    ),
)
@site_option
@password_file_option
@click.option("--generate", is_flag=True, help="Give a random value to each secret the site lacks.")
@pass_desk
def init(desk: Desk, *, site: Path | None, vault_password_file: Path | None, generate: bool) -> int:
    """Make the vault's password and the passphrase of the state.

    What exists is kept. A secret generated here must also be set on the
    device that it is for; for a lab or a new site that is what one wants.
    """
    from orchestrator.adapters.secret_store import STATE_PASSPHRASE, ensure_secrets
    from orchestrator.spec.load import load_site

    directory = desk.at_site(site)
    vault = desk.wiring.vault(directory, vault_password_file)
    vault.names()  # a vault that the password does not open is not given another password
    if vault.make_password():
        desk.screen.note("Made the vault's password. Keep a copy outside this machine and of git.")
    wanted, keys = {STATE_PASSPHRASE}, frozenset[SecretRef]()
    if generate:
        loaded = load_site(directory)
        wanted, keys = wanted | loaded.secret_refs, loaded.site.ssh_keys
    made = ensure_secrets(vault, wanted, keys=keys)
    desk.screen.show(*made or ("Nothing to make: the vault has what was asked for.",))
    return ExitCode.DONE


@secret.command(
    "set",
    examples=(
        "orchestrator secret set bmc/city",
        "pass show bmc/city | orchestrator secret set bmc/city",
    ),
)
@click.argument("name")
@site_option
@password_file_option
@pass_desk
def set_(desk: Desk, *, name: str, site: Path | None, vault_password_file: Path | None) -> int:
    """Store one secret; it is asked for, or read from stdin.

    NAME is path/name, with or without secret:// before it.
    """
    from orchestrator.spec.secrets import is_secret_ref

    directory = desk.at_site(site)
    ref = SecretRef(REFERENCE_SCHEME + name.removeprefix(REFERENCE_SCHEME))
    if not is_secret_ref(ref):
        raise click.UsageError(f"`{ref}` is no reference: write it as secret://path/name")
    vault = desk.wiring.vault(directory, vault_password_file)
    vault.put({ref: _ask_value(desk, ref)})
    desk.screen.note(f"Stored {ref}.")
    return ExitCode.DONE


@secret.command(
    "list",
    examples=(
        "orchestrator secret list --site inventory/yangzhou",
        "orchestrator secret list -o json",
    ),
)
@site_option
@password_file_option
@output_option
@pass_desk
def list_(desk: Desk, *, site: Path | None, vault_password_file: Path | None, output: str) -> int:
    """List the secrets that the site refers to, and which have a value."""
    from orchestrator.cli.render.table import table
    from orchestrator.spec.load import load_site

    directory = desk.at_site(site)
    stored = desk.wiring.vault(directory, vault_password_file).names()
    used = load_site(directory).secret_refs
    rows = [(ref, ref in stored, ref in used) for ref in sorted(stored | used)]
    if output == "json":
        desk.screen.data(
            [{"ref": str(ref), "has_value": has, "used": uses} for ref, has, uses in rows]
        )
    else:
        shown = [(str(ref), _word(has), _word(uses)) for ref, has, uses in rows]
        desk.screen.show(table(("Reference", "Has a value", "Used by the site"), shown))
    return ExitCode.DONE if all(has for _, has, _ in rows) else ExitCode.FAILED


def _ask_value(desk: Desk, ref: SecretRef) -> Secret:
    """Read the value where it cannot be seen: a hidden prompt, or one line of stdin."""
    if desk.wiring.can_ask():
        text = click.prompt(f"Value of {ref}", hide_input=True, confirmation_prompt=True, err=True)
    else:
        text = sys.stdin.read().rstrip("\r\n")
    if not text:
        raise click.UsageError("the value is empty: nothing was stored")
    return Secret(text)


def _word(claim: bool) -> str:
    return "yes" if claim else "no"
