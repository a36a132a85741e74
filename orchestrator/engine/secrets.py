"""Secrets in the state, encrypted exactly as Pulumi's passphrase provider does it.

The key is PBKDF2-HMAC-SHA256 of the passphrase: half a second of work on purpose. It is derived
once per process and salt, and only when a secret is really met.

Source:
    pkg/secrets/passphrase/manager.go and sdk/go/common/resource/config/crypt.go of Pulumi.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from orchestrator.errors import SecretError, StateError
from orchestrator.model.stack import HIDDEN
from orchestrator.model.units import Json, Secret
from orchestrator.providers.values import SECRET, SIGNATURE, has_secret, is_secret, plain

_ROUNDS = 1_000_000
_KEY_BYTES = 32
_SALT_BYTES = 8
_NONCE_BYTES = 12
_CHECK = "pulumi"
"""What the salt's third part decrypts to, so that a wrong passphrase is noticed."""


class Crypter:
    """Encrypts texts with one key."""

    def __init__(self, passphrase: Secret, salt: bytes) -> None:
        """Derive the key: takes about half a second."""
        # Loaded here because most commands never meet a secret.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = hashlib.pbkdf2_hmac("sha256", passphrase.reveal().encode(), salt, _ROUNDS, _KEY_BYTES)
        self._cipher = AESGCM(key)

    def encrypt(self, text: str) -> str:
        """Return `v1:NONCE:CIPHERTEXT`."""
        nonce = os.urandom(_NONCE_BYTES)
        return f"v1:{_base64(nonce)}:{_base64(self._cipher.encrypt(nonce, text.encode(), None))}"

    def decrypt(self, text: str) -> str:
        """Return the plain text. Raises SecretError where key and text do not fit."""
        from cryptography.exceptions import InvalidTag

        try:
            version, nonce, sealed = text.split(":")
            if version != "v1":
                raise ValueError(f"unknown version {version}")
            return self._cipher.decrypt(_bytes(nonce), _bytes(sealed), None).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretError(
                "a secret in the state cannot be opened: the passphrase is another one, or the "
                "state was damaged",
                remedy="Give the passphrase that the site's state was made with.",
            ) from error


class SaltStore(Protocol):
    """Where a site keeps the one salt of all its stacks."""

    def read_salt(self) -> str | None:
        """Return the salt, or None where no secret was ever written."""

    def write_salt(self, salt: str) -> None:
        """Keep the salt."""


class Vault:
    """The crypters of a site's stacks, each derived once."""

    def __init__(self, store: SaltStore, passphrase: Callable[[], Secret]) -> None:
        """Take where the salt is kept, and how to ask for the passphrase."""
        self._store = store
        self._passphrase = passphrase
        self._crypters: dict[str, Crypter] = {}
        self._lock = threading.Lock()

    def crypter(self, salt: str) -> Crypter:
        """Return the crypter of a salt. Raises SecretError where the passphrase is wrong."""
        with self._lock:
            if salt not in self._crypters:
                self._crypters[salt] = self._derive(salt)
            return self._crypters[salt]

    def site_salt(self) -> str:
        """Return the site's salt; make and keep one where there is none."""
        with self._lock:
            salt = self._store.read_salt()
            if salt is None:
                raw = os.urandom(_SALT_BYTES)
                crypter = Crypter(self._passphrase(), raw)
                salt = f"v1:{_base64(raw)}:{crypter.encrypt(_CHECK)}"
                # Kept before the first secret is written: without it a killed run's journal
                # could never be opened again.
                self._store.write_salt(salt)
                self._crypters[salt] = crypter
            return salt

    def _derive(self, salt: str) -> Crypter:
        version, _, rest = salt.partition(":")
        raw, _, check = rest.partition(":")
        if version != "v1" or not raw or not check:
            raise StateError(f"the state's salt is of an unknown version: {version!r}")
        crypter = Crypter(self._passphrase(), _bytes(raw))
        if crypter.decrypt(check) != _CHECK:
            raise SecretError(
                "the state's salt was damaged", remedy="Restore the state folder from a backup."
            )
        return crypter


class StackSecrets:
    """Seals and opens the secrets of one stack; derives a key only when one is met."""

    def __init__(self, vault: Vault, salt: str) -> None:
        """Take the salt of the stack's state; empty where it holds no secret yet."""
        self._vault = vault
        self.salt = salt

    def seal(self, properties: Mapping[str, Json]) -> dict[str, Json]:
        """Return properties with every open secret encrypted."""
        return {key: self._seal(value) for key, value in properties.items()}

    def open(self, properties: Mapping[str, Json]) -> dict[str, Json]:
        """Return properties with every secret decrypted, still marked as secret."""
        return {key: self._open(value) for key, value in properties.items()}

    def _seal(self, value: Json) -> Json:
        if not has_secret(value):
            return value
        if isinstance(value, dict) and is_secret(value):
            if "ciphertext" in value:
                return value
            # `plaintext` is what an export with --show-secrets carries: JSON text already.
            text = value.get("plaintext")
            if not isinstance(text, str):
                text = json.dumps(plain(value), separators=(",", ":"))
            self.salt = self.salt or self._vault.site_salt()
            sealed = self._vault.crypter(self.salt).encrypt(text)
            return {SIGNATURE: SECRET, "ciphertext": sealed}
        if isinstance(value, dict):
            return {key: self._seal(inner) for key, inner in value.items()}
        return [self._seal(inner) for inner in value] if isinstance(value, list) else value

    def _open(self, value: Json) -> Json:
        if not has_secret(value):
            return value
        if isinstance(value, dict) and is_secret(value):
            sealed = value.get("ciphertext")
            if not isinstance(sealed, str):
                return value
            text = self._vault.crypter(self.salt).decrypt(sealed)
            return {SIGNATURE: SECRET, "value": json.loads(text)}
        if isinstance(value, dict):
            return {key: self._open(inner) for key, inner in value.items()}
        return [self._open(inner) for inner in value] if isinstance(value, list) else value


class UnwrittenSecrets(StackSecrets):
    """Secrets of a run that writes nothing: new ones stay open, so that no key is needed."""

    def seal(self, properties: Mapping[str, Json]) -> dict[str, Json]:
        """Return the properties as they are."""
        return dict(properties)


def hide(value: Json) -> Json:
    """Return the value with HIDDEN in the place of every secret; nothing is decrypted."""
    if isinstance(value, dict):
        if is_secret(value):
            return HIDDEN
        return {key: hide(inner) for key, inner in value.items()}
    return [hide(inner) for inner in value] if isinstance(value, list) else value


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
