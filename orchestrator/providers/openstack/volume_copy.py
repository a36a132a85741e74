"""Cinder: volumes read through a snapshot and an image of it, and made anew from an image.

All that is made on the way bears one name, that of the work: what a killed run left is found by it,
and removed before the next one begins.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestrator.errors import BackupError, CloudError
from orchestrator.model.backup import BackupFault
from orchestrator.model.backup_cloud import ProjectVolume
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.contents import Content, Frozen
from orchestrator.providers.openstack.image_copy import PAUSE_SECONDS, GlanceImages
from orchestrator.providers.openstack.refusals import NotThereError
from orchestrator.providers.openstack.rest import Rest, Row

OBJECT_SECONDS = 2 * 3600.0
"""For a snapshot, a volume or an upload: a terabyte through one Cinder host takes that long."""
BUSY = frozenset(
    {
        *("creating", "downloading", "uploading", "deleting", "backing-up", "attaching"),
        *("extending", "retyping", "restoring-backup", "unmanaging", "queued", "saving"),
    }
)
IMAGE_FORMAT = {"container_format": "bare", "disk_format": "raw"}
DESCRIPTION = "Temporary: a backup by orchestrator removes it, or the next one does."
CRASH_CONSISTENT = (
    "it was attached: the copy is as a disk is after a power cut, without what its host had not "
    "written yet"
)


class CinderVolumes:
    """Volumes of one cloud; temporary things are in the project of whoever is logged in."""

    def __init__(self, cloud: Cloud, images: GlanceImages) -> None:
        """Call nobody yet."""
        self._cloud = cloud
        self._images = images

    @contextmanager
    def frozen(self, volume: ProjectVolume, *, work: str) -> Iterator[Frozen]:
        """Hand out a volume's content as an image, which is there so long; `work` names it.

        Its users notice nothing. What it is made from is gone before the image is read.
        """
        row = self._row(volume)
        if row.get("encrypted"):
            raise BackupError(
                f"volume {volume.name} is encrypted by Cinder: an image of it is of no use without "
                "its key, which no copy has",
                fault=BackupFault.REFUSED,
                remedy="Back up what is on it from its host.",
            )
        self.sweep(work)
        try:
            yield Frozen(
                image_id=self._image_of(row, work),
                properties=recorded(row),
                notes=(CRASH_CONSISTENT,) if row["attachments"] else (),
            )
        finally:
            self.sweep(work)

    def _image_of(self, row: Row, work: str) -> str:
        body = {"volume_id": row["id"], "name": work, "description": DESCRIPTION, "force": True}
        snapshot = self._rest.post("/snapshots", {"snapshot": body})["snapshot"]
        self._await("/snapshots", "snapshot", snapshot["id"])
        body = {"snapshot_id": snapshot["id"], "name": work, "description": DESCRIPTION}
        copy = self._rest.post("/volumes", {"volume": {**body, "size": row["size"]}})["volume"]
        self._await("/volumes", "volume", copy["id"])
        image_id = self._upload(str(copy["id"]), work)
        self._sweep_volumes(work)
        return image_id

    def _upload(self, volume_id: str, work: str) -> str:
        """Have Cinder put a volume's content into an image, and return its id."""
        body = {"os-volume_upload_image": {"image_name": work, "force": False, **IMAGE_FORMAT}}
        told = self._rest.post(f"/volumes/{volume_id}/action", body)["os-volume_upload_image"]
        image_id = str(told["image_id"])
        self._images.await_active(image_id, within=OBJECT_SECONDS)
        self._await("/volumes", "volume", volume_id)
        return image_id

    def store(self, name: str, content: Content, *, work: str) -> str:
        """Make a volume with a content, under the name of the work; return its id.

        It gets its name by `publish`, once somebody compared what is on it.
        """
        self.sweep(work)
        known = content.properties
        image = Content(size_bytes=content.size_bytes, properties=IMAGE_FORMAT, open=content.open)
        image_id = str(self._images.store(work, image)["id"])
        body = {
            "name": work,
            "description": f"Becomes {name}",
            "size": int(known["size"]),
            "imageRef": image_id,
            "metadata": json.loads(known["metadata"]),
            **({"volume_type": known["volume_type"]} if known.get("volume_type") else {}),
        }
        volume = self._rest.post("/volumes", {"volume": body})["volume"]
        self._await("/volumes", "volume", volume["id"])
        self._images.remove(image_id)
        return str(volume["id"])

    @contextmanager
    def reading_again(self, volume_id: str, *, work: str) -> Iterator[Iterator[bytes]]:
        """Hand out the content of a volume that nobody uses, through an image of it."""
        image_id = self._upload(volume_id, work)
        with self._images.reading(image_id) as parts:
            yield parts
        self._images.remove(image_id)

    def publish(self, volume_id: str, name: str, properties: Mapping[str, str]) -> dict[str, str]:
        """Give a volume its name, and return what it is."""
        bootable = properties["bootable"] == "true"
        body = {"os-set_bootable": {"bootable": bootable}}
        self._rest.post_again(f"/volumes/{volume_id}/action", body)
        self._rest.put(f"/volumes/{volume_id}", {"volume": {"name": name, "description": ""}})
        return recorded(self._rest.get(f"/volumes/{volume_id}")["volume"])

    def named(self, name: str) -> list[Row]:
        """Return the volumes of a name in the project of whoever is logged in."""
        return self._rest.pages("/volumes/detail", "volumes", name=name)

    def sweep(self, work: str) -> None:
        """Remove whatever bears the name of a work: images, volumes, snapshots."""
        self._sweep_volumes(work)
        for row in self._images.named(work):
            self._images.remove(str(row["id"]))

    def _sweep_volumes(self, work: str) -> None:
        # A volume before its snapshot: some stores keep one on top of the other.
        for path, key in (("/volumes", "volume"), ("/snapshots", "snapshot")):
            for row in self._rest.pages(f"{path}/detail", f"{key}s", name=work):
                self._settled(path, key, str(row["id"]))
                self._rest.delete(f"{path}/{row['id']}")
                self._settled(path, key, str(row["id"]))

    def _row(self, volume: ProjectVolume) -> Row:
        """Return a declared volume as Cinder has it, in its project and no other."""
        project = self._project_id(volume)
        rows = self._rest.pages("/volumes/detail", "volumes", all_tenants=1, project_id=project)
        wanted = "id" if volume.id else "name"
        found = [row for row in rows if row[wanted] == (volume.id or volume.name)]
        if len(found) != 1:
            raise BackupError(
                f"{volume.tenant}/{volume.project} has {len(found)} volumes "
                f"{volume.id or volume.name}",
                fault=BackupFault.REFUSED if found else BackupFault.ABSENT,
                remedy="Correct the set's `volumes`; `id` says which one is meant.",
            )
        return found[0]

    def _project_id(self, volume: ProjectVolume) -> str:
        identity = self._cloud.service("identity")
        for domain in identity.pages("/domains", "domains", name=volume.tenant):
            for row in identity.pages(
                "/projects", "projects", name=volume.project, domain_id=domain["id"]
            ):
                return str(row["id"])
        raise BackupError(
            f"Keystone has no project {volume.project} of {volume.tenant}",
            fault=BackupFault.ABSENT,
            remedy="Apply the tenancy layer first.",
        )

    def _await(self, path: str, key: str, object_id: str) -> None:
        row = self._settled(path, key, object_id)
        if row is None or row["status"] != "available":
            status = "gone" if row is None else row["status"]
            raise CloudError(
                f"{key} {object_id} is {status}: Cinder did not do what was asked",
                remedy="Cinder's log says why; what was made for it is removed.",
            )

    def _settled(self, path: str, key: str, object_id: str) -> Row | None:
        """Wait until Cinder works no more on an object; None once it is gone."""
        deadline = time.monotonic() + OBJECT_SECONDS
        while True:
            try:
                row: Row = self._rest.get(f"{path}/{object_id}")[key]
            except NotThereError:
                return None
            if row["status"] not in BUSY:
                return row
            if time.monotonic() > deadline:
                raise CloudError(f"{key} {object_id} is {row['status']} for two hours")
            time.sleep(PAUSE_SECONDS)

    @property
    def _rest(self) -> Rest:
        return self._cloud.service("block-storage")


def recorded(row: Row) -> dict[str, str]:
    """Return what must be true again of a volume that is made anew."""
    return {
        "size": str(row["size"]),
        "volume_type": str(row["volume_type"] or ""),
        "bootable": str(row["bootable"]).lower(),
        "metadata": json.dumps(row["metadata"], sort_keys=True),
    }
