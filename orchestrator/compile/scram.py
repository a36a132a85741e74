"""SCRAM-SHA-256 verifiers: what a database keeps in a password's place (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import hashlib
import hmac

ITERATIONS = 4096
"""PostgreSQL's own; our passwords are random and long, which no number of rounds makes up for."""


def scram_verifier(password: str, *, login: str, service: str) -> str:
    """Return the text for `ALTER ROLE ... PASSWORD`: hosts never see the password.

    The salt follows from the password and whose it is, so that the same password gives the same
    verifier, and a second run has nothing to change.
    """
    salt = hmac.digest(password.encode(), f"{service}/{login}".encode(), "sha256")[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
