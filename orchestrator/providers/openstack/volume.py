"""Cinder: volume types."""

from __future__ import annotations

from typing import ClassVar

from orchestrator.model.units import Json
from orchestrator.ports.provider import Properties
from orchestrator.providers.attributes import Attribute, flag, mapping
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.compute import OWNER_KEY, SITE, split_mark, string_map
from orchestrator.providers.openstack.identity import DESCRIPTION, NAME
from orchestrator.providers.openstack.kind import ListedKind
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare


class VolumeTypeKind(ListedKind):
    """A class of block storage."""

    kind = declare("volume:VolumeType", holds=True)
    attributes: ClassVar = {
        "name": NAME,
        "site": SITE,
        "description": DESCRIPTION,
        "public": Attribute(read=flag, meaning="whether every project may use it"),
        "extra_specs": Attribute(read=mapping, meaning="which backend, and how"),
    }
    service, verb = "block-storage", "PUT"
    path, singular, plural = "/types", "volume_type", "volume_types"
    fields: ClassVar = {"name": "name", "description": "description", "public": "is_public"}

    @property
    def rows(self) -> Bulk:
        """Return the types, private ones too, with their extra specs."""
        return self.cloud.bulk(
            "block-storage", "/types", "volume_types", params={"is_public": "None"}
        )

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say whether the site's mark is on it."""
        return bool(row["extra_specs"].get(OWNER_KEY) == inputs["site"])

    def post(self, inputs: Properties) -> Row:
        """Make the type with its extra specs; here the POST field has another name."""
        body = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "os-volume-type-access:is_public": inputs.get("public", True),
            "extra_specs": self._specs(inputs),
        }
        row: Row = self.cloud.service(self.service).post(self.path, {"volume_type": body})[
            "volume_type"
        ]
        return row

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row, with the mark apart from the other extra specs."""
        return super().properties(row) | split_mark(row["extra_specs"], "extra_specs")

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change the fields, then bring the extra specs to the declared ones."""
        super().change(resource_id, changed, inputs)
        if not changed & {"extra_specs", "site"}:
            return
        rest = self.cloud.service(self.service)
        path = f"{self.path}/{resource_id}/extra_specs"
        there = string_map(rest.get(path)["extra_specs"])
        wanted = self._specs(inputs)
        if wanted.items() - there.items():
            rest.post_again(path, {"extra_specs": wanted})
        for key in sorted(there.keys() - wanted.keys()):
            rest.delete(f"{path}/{key}")
        row = self.rows.by_id(resource_id)
        if row:
            self.rows.put({**row, "extra_specs": wanted})

    def _specs(self, inputs: Properties) -> dict[str, str]:
        return {**string_map(inputs.get("extra_specs")), OWNER_KEY: str(inputs["site"])}
