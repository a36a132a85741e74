"""Private SSH keys of the vault, and their public halves."""

from __future__ import annotations

from orchestrator.errors import SecretError
from orchestrator.model.units import Secret, SecretRef


def public_half(ref: SecretRef, key: Secret) -> str:
    """Return the public key as a line of `authorized_keys`.

    Raises:
        SecretError: the secret is no private key without a passphrase.
    """
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_ssh_private_key,
    )

    try:
        private = load_ssh_private_key(key.reveal().encode(), password=None)
    except (ValueError, TypeError) as error:
        raise SecretError(
            f"{ref} is no private SSH key without a passphrase",
            remedy="Make one with ssh-keygen -t ed25519 and store it: orchestrator secret set.",
        ) from error
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line.decode()


def new_key() -> Secret:
    """Make an Ed25519 key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    made = Ed25519PrivateKey.generate()
    text = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return Secret(text.decode())
