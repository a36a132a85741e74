"""Signed reports: Ed25519 over the report's canonical JSON, with a key in the site's vault."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.errors import SecretError, SignatureError
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.ports import SecretStore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNING_KEY = SecretRef("secret://reports/signing-key")
ALGORITHM = "Ed25519"


class SiteSigner:
    """The Signer port; the key is made at the first signature."""

    def __init__(self, secrets: SecretStore) -> None:
        """Open nothing yet."""
        self._secrets = secrets

    def sign(self, report: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the report with its signature."""
        if SIGNING_KEY not in self._secrets.names():
            self._secrets.put({SIGNING_KEY: _new_key()})
        key = self._key()
        signature: dict[str, Json] = {
            "algorithm": ALGORITHM,
            "public_key": _text(key.public_key().public_bytes_raw()),
            "value": _text(key.sign(canonical(report))),
        }
        return {"report": dict(report), "signature": signature}

    def verify(self, signed: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the report in it.

        The public key in the file is for readers who have no vault: here only the site's own
        counts, for anybody can sign with a key of his own.

        Raises:
            SignatureError: it is not as this site signed it.
            SecretError: the vault has no key.
        """
        from cryptography.exceptions import InvalidSignature

        report, signature = signed.get("report"), signed.get("signature")
        if not isinstance(report, dict) or not isinstance(signature, dict):
            raise SignatureError("it is no signed report: it has no `report` and `signature`")
        try:
            value = base64.b64decode(str(signature.get("value", "")), validate=True)
            self._key().public_key().verify(value, canonical(report))
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(
                "its signature does not fit: it was changed, or another site signed it",
                remedy="Do not trust it. Find the original, or test the server again.",
            ) from error
        return report

    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            raw = base64.b64decode(self._secrets.get(SIGNING_KEY).reveal(), validate=True)
            return Ed25519PrivateKey.from_private_bytes(raw)
        except ValueError as error:
            raise SecretError(
                f"{SIGNING_KEY} is no Ed25519 key", remedy="Restore the vault from its backup."
            ) from error


def canonical(report: Mapping[str, Json]) -> bytes:
    """Return the bytes that are signed: the same report is always the same bytes."""
    return json.dumps(
        report, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def _new_key() -> Secret:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Secret(_text(Ed25519PrivateKey.generate().private_bytes_raw()))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
