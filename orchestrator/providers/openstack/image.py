"""Glance: images, uploaded only when their content is what was declared."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Properties
from orchestrator.providers.attributes import Attribute, text, text_set, whole
from orchestrator.providers.openstack.identity import NAME
from orchestrator.providers.openstack.kind import ListedKind
from orchestrator.providers.openstack.rest import Call, Row
from orchestrator.providers.resource_kind import declare

CHUNK_BYTES = 1 << 20

_USABLE = "active"
_EMPTY = "queued"


class ImageKind(ListedKind):
    """A disk image. The declared SHA-256 is proved before the upload, Glance's own hash after."""

    kind = declare(
        "image:Image",
        holds=True,
        replace_on={"sha256", "disk_format"},
        write_only={"file"},
    )
    attributes: ClassVar = {
        "name": NAME,
        "file": Attribute(read=text, meaning="where the content is on this machine", required=True),
        "sha256": Attribute(read=text, meaning="of the content, hex", required=True),
        "disk_format": Attribute(read=text, meaning="raw or qcow2", required=True),
        "title": Attribute(read=text, meaning="for people"),
        "os_distro": Attribute(read=text, meaning="as libosinfo names it"),
        "os_version": Attribute(read=text, meaning="of the operating system"),
        "min_disk_gib": Attribute(read=whole, meaning="least root disk, in GiB"),
        "min_memory_mib": Attribute(read=whole, meaning="least memory, in MiB"),
        "visibility": Attribute(read=text, meaning="public or private"),
        "tags": Attribute(read=text_set, meaning="who owns it"),
    }
    # The same content at another path is the same image.
    unseen = frozenset({"file"})
    service = "image"
    path, singular, plural = "/images", "image", "images"
    fields: ClassVar = {
        "name": "name",
        "sha256": "govcloud_sha256",
        "disk_format": "disk_format",
        "title": "govcloud_title",
        "os_distro": "os_distro",
        "os_version": "os_version",
        "min_disk_gib": "min_disk",
        "min_memory_mib": "min_ram",
        "visibility": "visibility",
        "tags": "tags",
    }

    def create(self, inputs: Properties) -> Made:
        """Make the image, or finish the one that a killed run left."""
        left = self.find(inputs)
        if left is not None and left["status"] not in {_USABLE, _EMPTY}:
            # Glance takes no second upload into an image whose first one was cut off.
            super().delete(Made(id=str(left["id"]), outputs={}), inputs)
        return super().create(inputs)

    def post(self, inputs: Properties) -> Row:
        """Prove the content, then make the image's record; the upload follows."""
        self._hashes(inputs)
        body = {**self.body(inputs, self.fields), "container_format": "bare"}
        row: Row = self.cloud.service("image").post(self.path, body)
        return row

    def differing(self, row: Row, inputs: Properties) -> frozenset[str]:
        """Return what differs; an image without content differs in its file."""
        empty = {"file"} if row["status"] == _EMPTY else set()
        return super().differing(row, inputs) | empty

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change the properties, then upload where there is no content yet."""
        fields = self.body(inputs, changed)
        if fields:
            patch = [{"op": "add", "path": f"/{f}", "value": v} for f, v in fields.items()]
            answer = self.cloud.service("image").send(
                Call(
                    method="PATCH",
                    path=f"{self.path}/{resource_id}",
                    json=patch,
                    headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
                )
            )
            self.rows.put(answer)
        if "file" in changed:
            self._upload(resource_id, inputs)

    def _upload(self, image_id: str, inputs: Properties) -> None:
        rest = self.cloud.service("image")
        hashes = self._hashes(inputs)
        rest.send(
            Call(
                method="PUT",
                path=f"{self.path}/{image_id}/file",
                headers={"Content-Type": "application/octet-stream"},
                body=lambda: Path(str(inputs["file"])).open("rb"),
            )
        )
        row = rest.get(f"{self.path}/{image_id}")
        self.rows.put(row)
        right = hashes.get(row["os_hash_algo"]) == row["os_hash_value"]
        if row["status"] != _USABLE or not right:
            # Left there, the next run would take it for the declared one: its record says so.
            self.delete(Made(id=image_id, outputs={}), inputs)
            raise CloudError(
                f"image {inputs['name']} arrived in Glance as {row['status']}, and its "
                f"{row['os_hash_algo']} is not that of the file",
                remedy="It was deleted. Look at the network and Glance's store, then run again.",
            )

    def _hashes(self, inputs: Properties) -> dict[str, str]:
        """Return the file's hashes after proving its SHA-256, reading it once."""
        sha256, sha512 = hashlib.sha256(), hashlib.sha512()
        path = Path(str(inputs["file"]))
        try:
            with path.open("rb") as content:
                while chunk := content.read(CHUNK_BYTES):
                    sha256.update(chunk)
                    sha512.update(chunk)
        except OSError as failure:
            raise CloudError(
                f"image {inputs['name']}: {path} cannot be read ({failure.strerror})",
                remedy="Put the image file where the site says it is; one that has a `build` is "
                f"made by `orchestrator image build {inputs['name']}`.",
            ) from failure
        if sha256.hexdigest() != inputs["sha256"]:
            raise CloudError(
                f"image {inputs['name']}: {path} has SHA-256 {sha256.hexdigest()}, and the site "
                f"declares {inputs['sha256']}; nothing was uploaded",
                remedy="Find out which of the two is right before trusting the file.",
            )
        return {"sha256": sha256.hexdigest(), "sha512": sha512.hexdigest()}

    def outputs(self, resource_id: str, inputs: Properties) -> dict[str, Json]:
        """Return the inputs but the path, which means nothing to others."""
        return {k: v for k, v in inputs.items() if k != "file"}
