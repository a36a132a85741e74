"""The folder that keeps the state, laid out as Pulumi's own file backend lays it out.

.pulumi/meta.yaml
.pulumi/stacks/PROJECT/STACK.json         the checkpoint
.pulumi/stacks/PROJECT/STACK.json.bak     the one before it
.orchestrator/salt                        the salt of all stacks' secrets
.orchestrator/journals/PROJECT/STACK      of a run that has not ended
.orchestrator/digests/PROJECT/STACK       of the last run that ended whole
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine.deployment import Deployment, decode_checkpoint, encode_checkpoint
from orchestrator.engine.durable import read_or_none, write_durably
from orchestrator.engine.journal import Journal, read_journal
from orchestrator.engine.snapshot import Entry, Snapshot
from orchestrator.model.stack import PROJECT_OF_LAYER, StackName

_META = b"version: 1\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What is on disk of one stack, with a killed run's journal folded in."""

    deployment: Deployment = field(default_factory=Deployment)
    serial: str = ""
    """Changes with every write; empty where there is no state."""
    checkpoint_hash: str = ""
    """SHA-256 of the checkpoint file; empty where there is none."""
    digest: str | None = None
    has_journal: bool = False


class StateFolder:
    """Reads and writes the state of all stacks of a site."""

    def __init__(self, root: Path) -> None:
        """Take the folder; it is made with the first write."""
        self._checkpoints = root / ".pulumi" / "stacks"
        self._meta = root / ".pulumi" / "meta.yaml"
        self._own = root / ".orchestrator"

    def names(self) -> tuple[StackName, ...]:
        """Return the stacks that have a state, also where it is only a killed run's journal."""
        return tuple(sorted({*self._checkpointed(), *self._journaled()}))

    def load(self, stack: StackName) -> Stored:
        """Read one stack; where there is nothing of it, nothing is in it. Nothing is written."""
        checkpoint = read_or_none(self._checkpoint(stack))
        base = _sha256(checkpoint)
        journal = read_or_none(self._journal(stack)) or b""
        entries = tuple(read_journal(journal, base=base))
        if checkpoint is None and not entries:
            return Stored()
        deployment = Deployment()
        if checkpoint is not None:
            deployment = decode_checkpoint(checkpoint, where=str(self._checkpoint(stack)))
        if entries:
            deployment = self._fold(deployment, entries)
        return Stored(
            deployment=deployment,
            serial=_sha256(base.encode() + journal if entries else base.encode()),
            checkpoint_hash=base,
            digest=None if entries else self._digest(stack, base),
            has_journal=bool(entries),
        )

    def save(self, stack: StackName, deployment: Deployment, *, written_at: str) -> str:
        """Write a checkpoint, keep the one before it as .bak, and return its hash."""
        path = self._checkpoint(stack)
        before = read_or_none(path)
        if not self._meta.exists():
            write_durably(self._meta, _META)
        if before is not None:
            write_durably(path.with_name(f"{path.name}.bak"), before)
        full_name = f"organization/{stack.project}/{stack.name}"
        content = encode_checkpoint(deployment, stack=full_name, written_at=written_at)
        write_durably(path, content)
        self.discard_journal(stack)
        return _sha256(content)

    def save_digest(self, stack: StackName, digest: str, *, checkpoint_hash: str) -> None:
        """Keep what a whole run was run with; it holds as long as the checkpoint is this one."""
        document = {"digest": digest, "checkpoint": checkpoint_hash}
        write_durably(self._digest_file(stack), json.dumps(document).encode())

    def forget_digest(self, stack: StackName) -> None:
        """Say that the last run of the stack did not end whole."""
        self._digest_file(stack).unlink(missing_ok=True)

    def remove(self, stack: StackName) -> None:
        """Forget a stack; its last checkpoint stays as .bak."""
        path = self._checkpoint(stack)
        if path.exists():
            path.replace(path.with_name(f"{path.name}.bak"))
        self.discard_journal(stack)
        self.forget_digest(stack)

    def discard_journal(self, stack: StackName) -> None:
        """Remove a journal that is folded in, or changed nothing."""
        self._journal(stack).unlink(missing_ok=True)

    def journal(self, stack: StackName, *, base: str) -> Journal:
        """Return a new journal on a checkpoint, given by its hash."""
        return Journal(self._journal(stack), base=base)

    def read_salt(self) -> str | None:
        """Return the salt of the site's secrets, or None where no secret was ever written."""
        salt = read_or_none(self._own / "salt")
        return None if salt is None else salt.decode().strip()

    def write_salt(self, salt: str) -> None:
        """Keep the salt of the site's secrets."""
        write_durably(self._own / "salt", f"{salt}\n".encode())

    def _fold(self, deployment: Deployment, entries: tuple[Entry, ...]) -> Deployment:
        snapshot = Snapshot(deployment)
        for entry in entries:
            snapshot.apply(entry)
        return Deployment(
            records=snapshot.records(),
            operations=snapshot.operations(),
            salt=deployment.salt or self.read_salt() or "",
        )

    def _digest(self, stack: StackName, checkpoint_hash: str) -> str | None:
        written = read_or_none(self._digest_file(stack))
        if written is None:
            return None
        match json.loads(written):
            case {"digest": str(digest), "checkpoint": str(checkpoint)} if (
                checkpoint == checkpoint_hash
            ):
                return digest
        return None

    def _checkpointed(self) -> Iterator[StackName]:
        for layer, project in PROJECT_OF_LAYER.items():
            for path in (self._checkpoints / project).glob("[!.]*.json"):
                yield StackName(layer=layer, name=path.stem)

    def _journaled(self) -> Iterator[StackName]:
        for layer, project in PROJECT_OF_LAYER.items():
            for path in (self._own / "journals" / project).glob("[!.]*"):
                stack = StackName(layer=layer, name=path.name)
                if self._checkpoint(stack).exists() or self.load(stack).serial:
                    yield stack

    def _checkpoint(self, stack: StackName) -> Path:
        return self._checkpoints / stack.project / f"{stack.name}.json"

    def _journal(self, stack: StackName) -> Path:
        return self._own / "journals" / stack.project / stack.name

    def _digest_file(self, stack: StackName) -> Path:
        return self._own / "digests" / stack.project / stack.name


def _sha256(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()
