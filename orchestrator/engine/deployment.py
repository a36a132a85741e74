"""A stack's state as a value, and its two written forms: Pulumi's checkpoint and its export.

Source:
    The format is Pulumi's deployment version 3 (sdk/go/common/apitype/core.go).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.engine.records import Record
from orchestrator.errors import StateError
from orchestrator.model.units import Json

FORMAT_VERSION = 3
CLAIMED_ENGINE = "v3.259.0"
"""The Pulumi engine whose format we write; `manifest.magic` is derived from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """An act that was begun and, as far as the state knows, not ended."""

    record: Record
    act: str
    """`creating`, `updating` or `deleting`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """The state of one stack; records stand in dependency order."""

    records: tuple[Record, ...] = ()
    operations: tuple[Operation, ...] = ()
    salt: str = ""
    """The passphrase provider's state; empty where the stack holds no secret."""

    def to_json(self, *, written_at: str) -> dict[str, Json]:
        """Return Pulumi's `deployment` object."""
        magic = hashlib.sha256(CLAIMED_ENGINE.encode()).hexdigest()
        document: dict[str, Json] = {
            "manifest": {"time": written_at, "magic": magic, "version": CLAIMED_ENGINE}
        }
        if self.salt:
            document["secrets_providers"] = {"type": "passphrase", "state": {"salt": self.salt}}
        document["resources"] = [record.to_json() for record in self.records]
        if self.operations:
            document["pending_operations"] = [
                {"resource": operation.record.to_json(), "type": operation.act}
                for operation in self.operations
            ]
        document["metadata"] = {}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Deployment:
        """Read a `deployment` object. Raises StateError where it is none that we can keep."""
        operations = tuple(
            Operation(record=_record(entry.get("resource")), act=str(entry.get("type")))
            for entry in _objects(document, "pending_operations")
        )
        return cls(
            records=tuple(map(Record.from_json, _objects(document, "resources"))),
            operations=operations,
            salt=_salt(document.get("secrets_providers")),
        )


def encode_checkpoint(deployment: Deployment, *, stack: str, written_at: str) -> bytes:
    """Return the text of `.pulumi/stacks/PROJECT/STACK.json`; `stack` is its full name."""
    document = {
        "version": FORMAT_VERSION,
        "checkpoint": {"stack": stack, "latest": deployment.to_json(written_at=written_at)},
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def decode_checkpoint(text: bytes, *, where: str) -> Deployment:
    """Read a checkpoint file; `where` names it in errors."""
    try:
        document = json.loads(text)
        checkpoint = document["checkpoint"]
        latest = checkpoint.get("latest") or {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"{where} is not a Pulumi checkpoint: {error}",
            remedy="Put the .bak file beside it in its place.",
        ) from error
    refuse_other_formats(document, where=where)
    return Deployment.from_json(latest)


def refuse_other_formats(document: Mapping[str, Json], *, where: str) -> None:
    """Raise StateError unless the document is of the one format that we keep."""
    if document.get("version") == FORMAT_VERSION and not document.get("features"):
        return
    features = document.get("features") or "none"
    raise StateError(
        f"{where} is in deployment format {document.get('version')} with features {features}; "
        f"this engine keeps format {FORMAT_VERSION} without any",
        remedy="Run this stack with the Pulumi CLI (--engine pulumi).",
    )


def _objects(document: Mapping[str, Json], key: str) -> list[dict[str, Json]]:
    found = document.get(key) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise StateError(f"{key} of the state is not a list of objects")
    return [entry for entry in found if isinstance(entry, dict)]


def _record(written: Json) -> Record:
    if not isinstance(written, dict):
        raise StateError("a pending operation of the state has no resource")
    return Record.from_json(written)


def _salt(provider: Json) -> str:
    if not provider:
        return ""
    match provider:
        case {"type": "passphrase", "state": {"salt": str(salt)}}:
            return salt
        case {"type": kind}:
            raise StateError(
                f"the state's secrets are kept by {kind!r}; this engine knows only passphrase",
                remedy="Move the stack with `pulumi stack change-secrets-provider passphrase`.",
            )
    raise StateError("secrets_providers of the state is not in Pulumi's format")
