"""Glance: images read whole, and stored as what they were."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestrator.errors import BackupError, CloudError
from orchestrator.model.backup import BackupFault
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.contents import Content, Frozen, SizedBody
from orchestrator.providers.openstack.rest import Call, Rest, Row

HASH = "os_hash_value"
NUMBERS = frozenset({"min_disk", "min_ram"})
FLAGS = frozenset({"protected", "os_hidden"})
STRUCTURED = frozenset({"tags"}) | NUMBERS | FLAGS
"""Properties that are no text; they are recorded as JSON."""
ITS_OWN = frozenset(
    {
        *("id", "name", "owner", "created_at", "updated_at", "self", "file", "schema", "status"),
        *("checksum", "size", "virtual_size", "os_hash_algo", "stores", "locations", "direct_url"),
    }
)
"""What Glance itself says of one image; another one with the same content has other values."""
GLANCES_PREFIX = "os_glance_"
LAST = ("visibility", "protected")
"""Set once the content is proved: before, nobody may use it, and we must be able to delete it."""
SETTLED = frozenset({"active", "killed", "deleted", "pending_delete", "deactivated"})
PAUSE_SECONDS = 0.5


class GlanceImages:
    """Images of one cloud, by name."""

    def __init__(self, cloud: Cloud) -> None:
        """Call nobody yet."""
        self._cloud = cloud

    @contextmanager
    def frozen(self, name: str) -> Iterator[Frozen]:
        """Hand out an image that is there once; its content never changes anyway."""
        found = self.named(name)
        if len(found) != 1:
            raise BackupError(
                f"Glance has {len(found)} images {name}",
                fault=BackupFault.REFUSED if found else BackupFault.ABSENT,
                remedy="Apply the system layer, or remove the one that is not meant.",
            )
        yield Frozen(image_id=str(found[0]["id"]), properties=recorded(found[0]))

    def named(self, name: str) -> list[Row]:
        """Return the images of a name, also those without content: ours, and the public ones.

        An administrator sees every project's, and anybody may call one as ours is called: such a
        one is neither copied nor swept away, and keeps no other from being copied.
        """
        rows = self._rest.pages("/images", "images", name=name)
        ours = {None, self._cloud.project_id()} if rows else set()
        return [
            row for row in rows if row.get("visibility") == "public" or row.get("owner") in ours
        ]

    def row(self, image_id: str) -> Row:
        """Return an image as Glance has it now."""
        found: Row = self._rest.get(f"/images/{image_id}")
        return found

    @contextmanager
    def reading(self, image_id: str) -> Iterator[Iterator[bytes]]:
        """Hand out an image's content; the last part is followed by an error if it is another.

        Raises:
            BackupError: the content is not what Glance's own hash says, or is incomplete.
        """
        row = self.row(image_id)
        with self._rest.reading(f"/images/{image_id}/file") as parts:
            yield _proved(parts, row)

    def store(self, name: str, content: Content) -> Row:
        """Upload an image under a name that nobody uses, and return it once its hash is right.

        Where it is not, or anything else fails, nothing of it stays.
        """
        body = {"name": name, "visibility": "private"}
        for key, value in content.properties.items():
            if key not in {HASH, *LAST}:
                body[key] = json.loads(value) if key in STRUCTURED else value
        made: Row = self._rest.post("/images", body)
        image_id = str(made["id"])
        try:
            return self._fill(image_id, content)
        except BaseException:
            self.remove(image_id)
            raise

    def _fill(self, image_id: str, content: Content) -> Row:
        digests: dict[str, str] = {}

        @contextmanager
        def body() -> Iterator[SizedBody]:
            with content.open() as parts:
                yield SizedBody(_noted(parts, digests), content.size_bytes)

        self._rest.send(
            Call(
                method="PUT",
                path=f"/images/{image_id}/file",
                headers={"Content-Type": "application/octet-stream"},
                body=body,
            )
        )
        row = self.row(image_id)
        if row["status"] != "active" or digests.get(row["os_hash_algo"]) != row[HASH]:
            raise CloudError(
                f"what arrived in Glance is {row['status']}, and its {row['os_hash_algo']} is not "
                "that of what was sent",
                remedy="Look at the network and Glance's store, then run it again.",
            )
        return row

    def publish(self, image_id: str, name: str, properties: Mapping[str, str]) -> Row:
        """Give an image its name, and show it to those who saw it before."""
        values = {"name": name} | {
            key: json.loads(properties[key]) if key in STRUCTURED else properties[key]
            for key in LAST
            if key in properties
        }
        # "replace" would be refused where a property is not there yet.
        patch = [{"op": "add", "path": f"/{key}", "value": value} for key, value in values.items()]
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        self._rest.send(
            Call(method="PATCH", path=f"/images/{image_id}", json=patch, headers=headers)
        )
        return self.row(image_id)

    def await_active(self, image_id: str, *, within: float) -> Row:
        """Wait for what another service uploads into an image."""
        deadline = time.monotonic() + within
        while (row := self.row(image_id))["status"] not in SETTLED:
            if time.monotonic() > deadline:
                raise CloudError(f"image {image_id} is {row['status']} after {within:.0f} s")
            time.sleep(PAUSE_SECONDS)
        if row["status"] != "active":
            raise CloudError(
                f"image {image_id} ended as {row['status']}",
                remedy="The logs of Cinder and Glance say more.",
            )
        return row

    def remove(self, image_id: str) -> None:
        """Delete an image; one that is gone is fine."""
        self._rest.delete(f"/images/{image_id}")

    @property
    def _rest(self) -> Rest:
        return self._cloud.service("image")


def recorded(row: Row) -> dict[str, str]:
    """Return what must be true again of an image that is stored anew, its hash among it."""
    return {
        key: json.dumps(sorted(value) if key == "tags" else value)
        if key in STRUCTURED
        else str(value)
        for key, value in sorted(row.items())
        if key not in ITS_OWN and not key.startswith(GLANCES_PREFIX) and value is not None
    }


def _proved(parts: Iterator[bytes], row: Row) -> Iterator[bytes]:
    """Pass an image's parts on and compare all of them with its own hash."""
    digest, size = hashlib.new(str(row["os_hash_algo"])), 0
    for part in parts:
        digest.update(part)
        size += len(part)
        yield part
    if digest.hexdigest() != row[HASH] or size != row["size"]:
        raise BackupError(
            f"image {row['name']} ({row['id']}) came with {size} bytes of {row['size']}, and its "
            f"{row['os_hash_algo']} is not what Glance has recorded",
            fault=BackupFault.BROKEN,
            broken=[str(row["id"])],
            remedy="Look at Glance's store: this image is damaged there.",
        )


def _noted(parts: Iterator[bytes], digests: dict[str, str]) -> Iterator[bytes]:
    """Pass parts on, and note the digests of all of them at the end."""
    running = [hashlib.sha256(), hashlib.sha512()]
    for part in parts:
        for one in running:
            one.update(part)
        yield part
    digests |= {one.name: one.hexdigest() for one in running}
