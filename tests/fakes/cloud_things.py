"""Glance, Cinder and Keystone in memory, as far as copies of images and volumes need them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.refusals import NotThereError
from orchestrator.providers.openstack.rest import Call

PROJECT = "project-1"
OWN = "project-of-the-operator"


@dataclass
class CloudThings:
    """What the services have; contents by the id of an image, a volume or a snapshot."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    damage: bytes = b""
    """Instead of what is in a volume, once it is made from an image."""
    loses: bool = False
    """Glance keeps one byte less than it is sent."""
    numbers: Any = field(default_factory=count)

    def as_cloud(self) -> Cloud:
        return cast(Cloud, self)

    def service(self, name: str) -> CloudThings:
        return self

    def project_id(self) -> str:
        return OWN

    def image(self, name: str, content: bytes, **other: Any) -> str:
        found = self._new(self.images, **({"owner": OWN} | other), name=name, status="queued")
        self._fill(found["id"], content)
        return str(found["id"])

    def volume(self, name: str, content: bytes, **other: Any) -> str:
        row = {"size": 1, "volume_type": "lab", "bootable": "false", "metadata": {}} | other
        found = self._new(self.volumes, name=name, status="available", attachments=[], **row)
        self.contents[found["id"]] = content
        return str(found["id"])

    def names(self) -> list[str]:
        kinds = (self.images, self.volumes, self.snapshots)
        return sorted(row["name"] for rows in kinds for row in rows.values())

    def _new(self, rows: dict[str, dict[str, Any]], **row: Any) -> dict[str, Any]:
        made = {"id": f"id-{next(self.numbers)}", **row}
        rows[made["id"]] = made
        return made

    def _fill(self, image_id: str, content: bytes) -> None:
        self.contents[image_id] = content
        digest = hashlib.sha512(content).hexdigest()
        self.images[image_id] |= {
            "status": "active",
            "size": len(content),
            "os_hash_algo": "sha512",
            "os_hash_value": digest,
        }

    def _rows(self, path: str) -> dict[str, dict[str, Any]]:
        kind: dict[str, dict[str, Any]] = getattr(self, path.split("/")[1])
        return kind

    def pages(self, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
        if key == "domains":
            return [{"id": "domain-1"}]
        if key == "projects":
            return [{"id": PROJECT}]
        wanted = query.get("name")
        return [row for row in self._rows(path).values() if wanted in {None, row["name"]}]

    def get(self, path: str, **query: Any) -> Any:
        rows, row_id = self._rows(path), path.split("/")[2]
        if row_id not in rows:
            raise NotThereError("it is not there", status=404)
        return dict(rows[row_id]) if "images" in path else {path.split("/")[1][:-1]: rows[row_id]}

    @contextmanager
    def reading(self, path: str) -> Iterator[Iterator[bytes]]:
        content = self.contents[path.split("/")[2]]
        yield (content[at : at + 3] for at in range(0, len(content), 3))

    def post(self, path: str, body: Any) -> Any:
        if path == "/images":
            return self._new(self.images, status="queued", owner=OWN, **body)
        if path == "/snapshots":
            asked = body["snapshot"]
            made = self._new(self.snapshots, status="available", name=asked["name"])
            self.contents[made["id"]] = self.contents[asked["volume_id"]]
            return {"snapshot": made}
        if path == "/volumes":
            return {"volume": self._volume(body["volume"])}
        return {"os-volume_upload_image": {"image_id": self._upload(path, body)}}

    def _volume(self, asked: dict[str, Any]) -> dict[str, Any]:
        origin = asked.get("snapshot_id") or asked["imageRef"]
        content = (self.damage if "imageRef" in asked else b"") or self.contents[origin]
        about = {key: asked[key] for key in ("size", "metadata", "volume_type") if key in asked}
        made_id = self.volume(asked["name"], content, **about)
        return self.volumes[made_id]

    def _upload(self, path: str, body: Any) -> str:
        name = body["os-volume_upload_image"]["image_name"]
        return self.image(name, self.contents[path.split("/")[2]])

    def post_again(self, path: str, body: Any) -> None:
        bootable = body["os-set_bootable"]["bootable"]
        self.volumes[path.split("/")[2]]["bootable"] = str(bootable).lower()

    def put(self, path: str, body: Any) -> None:
        self.volumes[path.split("/")[2]] |= body["volume"]

    def delete(self, path: str) -> None:
        self._rows(path).pop(path.split("/")[2], None)

    def send(self, call: Call) -> Any:
        image_id = call.path.split("/")[2]
        if call.method == "PATCH":
            self.images[image_id] |= {one["path"][1:]: one["value"] for one in call.json}
            return self.images[image_id]
        assert call.body is not None
        with call.body() as body:
            content = b"".join(cast(Any, body))
        self._fill(image_id, content[:-1] if self.loses else content)
        return {}
