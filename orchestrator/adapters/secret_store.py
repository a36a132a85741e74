"""The site's secrets in one ansible-vault file beside its YAML.

`ansible-vault view secrets.vault.yaml` opens the same file: playbooks and this tool share it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.durable import write_durably
from orchestrator.errors import SecretError
from orchestrator.model.units import REFERENCE_SCHEME, Secret, SecretRef

if TYPE_CHECKING:
    from ansible.parsing.vault import VaultLib

VAULT_FILE = "secrets.vault.yaml"
DEFAULT_KEY_FILE = ".vault-password"

STATE_PASSPHRASE = SecretRef("secret://state/passphrase")
"""Encrypts the secrets inside the stacks' state."""

_GENERATED_BYTES = 24
_LOCK_SECONDS = 10.0
_LOCK_PAUSE_SECONDS = 0.1


class AnsibleVaultSecrets:
    """The SecretStore port on an ansible-vault file: a mapping of `path/name` to text."""

    def __init__(self, site_directory: Path, password_file: Path | None = None) -> None:
        """Open lazily: neither file is read before the first secret is asked for."""
        self._vault_file = site_directory / VAULT_FILE
        self._password_file = password_file or site_directory / DEFAULT_KEY_FILE
        self._values: dict[str, str] | None = None

    @property
    def password_file(self) -> Path:
        """Return the file with the password that opens the vault."""
        return self._password_file

    def get(self, ref: SecretRef) -> Secret:
        """Open one secret."""
        try:
            return Secret(self._load()[_key(ref)])
        except KeyError:
            raise SecretError(
                f"{ref} has no value in {self._vault_file.name}",
                remedy=f"Give it one: orchestrator secret set {_key(ref)}",
            ) from None

    def names(self) -> frozenset[str]:
        """Return the references that have a value."""
        return frozenset(REFERENCE_SCHEME + key for key in self._load())

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        """Store secrets, replacing those of the same name."""
        import yaml

        with self._alone():
            # Read again: another process may have stored secrets since this one first looked.
            merged = self._read()
            merged.update({_key(ref): secret.reveal() for ref, secret in values.items()})
            text = yaml.safe_dump(merged, allow_unicode=True, sort_keys=True)
            write_durably(self._vault_file, self._vault().encrypt(text))
        self._values = merged

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time read and write the file; a killed one holds nothing.

        Of two at once the later would write over what the earlier stored: a repository's key that
        is lost so loses its copies. The folder is what is locked: the file is replaced each time.
        """
        try:
            folder = os.open(self._vault_file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SecretError(f"cannot open {self._vault_file.parent}: {error.strerror}") from error
        try:
            limit = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > limit:
                        raise SecretError(
                            f"another process has been storing secrets in {self._vault_file} for "
                            f"{_LOCK_SECONDS:.0f} s",
                            remedy="Nothing was stored. Wait until it ends, and run it again.",
                        ) from None
                    time.sleep(_LOCK_PAUSE_SECONDS)
            yield
        finally:
            os.close(folder)

    def make_password(self) -> bool:
        """Write a fresh random vault password where there is none; say whether it was made."""
        if self._password_file.exists():
            return False
        write_durably(self._password_file, secrets.token_urlsafe(32).encode() + b"\n")
        return True

    def _load(self) -> dict[str, str]:
        if self._values is None:
            self._values = self._read()
        return self._values

    def _read(self) -> dict[str, str]:
        try:
            sealed = self._vault_file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SecretError(f"cannot read {self._vault_file}: {error.strerror}") from error
        from ansible.errors import AnsibleError
        from yaml import YAMLError, safe_load

        try:
            found = safe_load(self._vault().decrypt(sealed))
        except (AnsibleError, YAMLError):
            # Their texts can quote what they could not parse: keep them out of ours.
            raise SecretError(
                f"{self._vault_file} cannot be opened with the password in {self._password_file}",
                remedy="Use the right password file (--vault-password-file), or restore the vault.",
            ) from None
        if not isinstance(found, dict):
            raise SecretError(f"{self._vault_file} does not hold a mapping of names to secrets")
        return {str(key): str(value) for key, value in found.items()}

    def _vault(self) -> VaultLib:
        from ansible.parsing.vault import VaultLib, VaultSecret

        return VaultLib([("default", VaultSecret(self._password()))])

    def _password(self) -> bytes:
        try:
            mode = self._password_file.stat().st_mode
            password = self._password_file.read_bytes().strip()
        except OSError as error:
            raise SecretError(
                f"cannot read the vault password file {self._password_file}: {error.strerror}",
                remedy="Make one with: orchestrator secret init, or name it with "
                "--vault-password-file.",
            ) from error
        if mode & (stat.S_IRGRP | stat.S_IROTH) and os.access(self._password_file, os.W_OK):
            raise SecretError(
                f"{self._password_file} can be read by others (mode {stat.S_IMODE(mode):o})",
                remedy=f"chmod 600 {self._password_file}",
            )
        if not password:
            raise SecretError(f"the vault password file {self._password_file} is empty")
        return password


def ensure_secrets(
    store: AnsibleVaultSecrets,
    refs: Collection[SecretRef],
    *,
    keys: Collection[SecretRef] = (),
) -> tuple[SecretRef, ...]:
    """Give a random value to every reference that has none; return those that were made.

    References that are also in `keys` get a private SSH key.

    For labs and new sites: a password made here must still be set on the device it is for.
    """
    store.make_password()
    missing = tuple(sorted(ref for ref in refs if ref not in store.names()))
    if missing:
        from orchestrator.providers.host.keys import new_key

        store.put(
            {
                ref: new_key() if ref in keys else Secret(secrets.token_urlsafe(_GENERATED_BYTES))
                for ref in missing
            }
        )
    return missing


def _key(ref: SecretRef) -> str:
    return ref.removeprefix(REFERENCE_SCHEME)
