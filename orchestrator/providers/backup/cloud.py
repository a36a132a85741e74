"""The backup port of images and volumes: from OpenStack's interfaces into restic, and back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.errors import BackupError, OrchestratorError
from orchestrator.model.backup import (
    BackupFault,
    Copy,
    Facts,
    FileFacts,
    Manifest,
    Restored,
    Subject,
)
from orchestrator.ports.backup import Store
from orchestrator.providers.backup.requests import Keys
from orchestrator.providers.backup.streaming import StreamingAgents
from orchestrator.providers.openstack.contents import Content, Frozen
from orchestrator.providers.openstack.image_copy import GlanceImages, recorded
from orchestrator.providers.openstack.volume_copy import CinderVolumes

STREAM_SECONDS = 4 * 3600.0
CONTENT = "/content"
HERE = "this-machine"


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudThings:
    """Images and volumes of the site's cloud, through this machine."""

    site: str
    keys: Keys
    agents: StreamingAgents
    images: GlanceImages
    volumes: CinderVolumes

    def back_up(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        """Copy an image or a volume into one repository."""
        with (
            self._frozen(subject) as frozen,
            self.images.reading(frozen.image_id) as parts,
        ):
            request = self.keys.near(
                store,
                subject=subject.name,
                run=run,
                host=HERE,
                taken_at=at.isoformat(),
                facts={"properties": dict(frozen.properties), "notes": list(frozen.notes)},
            )
            counting = _Counting(parts)
            told = self.agents.feed(store.server, request, content=counting, within=STREAM_SECONDS)
        _refuse_another(told, counting, subject)
        return Copy(
            subject=subject.name,
            repository=store.repository.name,
            run=run,
            taken_at=at,
            data_id=str(told["data_id"]),
            manifest_id=str(told["manifest_id"]),
            host=HERE,
            size_bytes=counting.size,
            note="; ".join(frozen.notes),
        )

    def _frozen(self, subject: Subject) -> AbstractContextManager[Frozen]:
        if subject.volume is None:
            return self.images.frozen(subject.image)
        return self.volumes.frozen(subject.volume, work=self._work("backup", subject))

    def taken(self, subject: Subject, name: str) -> bool:
        """Say whether there is an image or a volume of a name, where a restore would make one."""
        rows = self.images.named(name) if subject.volume is None else self.volumes.named(name)
        return bool(rows)

    def restore(
        self, subject: Subject, manifest: Manifest, *, store: Store, name: str
    ) -> tuple[Restored, Facts]:
        """Make an image or a volume of a name from a copy, and count what it is."""
        begun = time.monotonic()
        content = Content(
            size_bytes=manifest.data_bytes,
            properties=manifest.facts.properties,
            open=lambda: self._proved(manifest, store),
        )
        make = self._image if subject.volume is None else self._volume
        facts = make(name, content, manifest, work=self._work("restore", subject))
        seconds = round(time.monotonic() - begun, 3)
        return Restored(seconds=seconds, fetched_bytes=manifest.data_bytes), facts

    def _image(self, name: str, content: Content, manifest: Manifest, *, work: str) -> Facts:
        for left in self.images.named(work):
            self.images.remove(str(left["id"]))
        stored = self.images.store(work, content)
        # What was sent was proved, and Glance's hash is that of what was sent.
        found = FileFacts(size_bytes=int(stored["size"]), sha256=manifest.data_sha256)
        row = self.images.publish(str(stored["id"]), name, content.properties)
        return Facts(files={CONTENT: found}, properties=recorded(row))

    def _volume(self, name: str, content: Content, manifest: Manifest, *, work: str) -> Facts:
        try:
            return self._proved_volume(name, content, manifest, work=work)
        except OrchestratorError:
            self.volumes.sweep(work)
            raise

    def _proved_volume(
        self, name: str, content: Content, manifest: Manifest, *, work: str
    ) -> Facts:
        volume_id = self.volumes.store(name, content, work=work)
        with self.volumes.reading_again(volume_id, work=work) as parts:
            counting = _Counting(parts)
            for _part in counting:
                continue
        found = FileFacts(size_bytes=counting.size, sha256=counting.sha256)
        if found.sha256 != manifest.data_sha256:
            raise BackupError(
                f"the volume that was made has other data than the copy: {found.size_bytes} bytes",
                fault=BackupFault.MISMATCH,
                remedy="It was removed. Look at Cinder's store.",
            )
        properties = self.volumes.publish(volume_id, name, content.properties)
        return Facts(files={CONTENT: found}, properties=properties)

    @contextmanager
    def _proved(self, manifest: Manifest, store: Store) -> Iterator[Iterator[bytes]]:
        """Hand out a copy's content; the last part is followed by an error if it is another."""
        request = self.keys.near(store, subject=manifest.subject, data_id=manifest.data_id)
        with self.agents.fetch(store.server, request, within=STREAM_SECONDS) as parts:
            yield _as_recorded(parts, manifest)

    def _work(self, what: str, subject: Subject) -> str:
        """Return the name of all that is made on the way: of a killed run's, too."""
        return f"orchestrator-{what} {self.site} {subject.name}"


class _Counting:
    """Parts that are counted and digested as they pass."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.size = 0
        self._parts = parts
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.size += len(part)
            self._digest.update(part)
            yield part


def _refuse_another(told: Any, sent: _Counting, subject: Subject) -> None:  # noqa: ANN401 - JSON
    if told.get("sha256") != sent.sha256 or told.get("size_bytes") != sent.size:
        raise BackupError(
            f"{subject.name}: {sent.size} bytes were sent, and others arrived",
            fault=BackupFault.MISMATCH,
            remedy="Run it again, and do not restore this copy.",
        )


def _as_recorded(parts: Iterator[bytes], manifest: Manifest) -> Iterator[bytes]:
    counting = _Counting(parts)
    yield from counting
    if (counting.size, counting.sha256) != (manifest.data_bytes, manifest.data_sha256):
        raise BackupError(
            f"the copy came with {counting.size} bytes of {manifest.data_bytes}, or other ones",
            fault=BackupFault.MISMATCH,
            broken=[manifest.data_id],
            remedy="Restore the copy of another repository: --from.",
        )
