"""Quotas of a project in Nova, Neutron and Cinder: settings, so that deleting one resets it."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, text, whole
from orchestrator.providers.openstack.kind import CloudKind
from orchestrator.providers.openstack.refusals import RequestRefusedError
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare

PROJECT = Attribute(read=text, meaning="id of the project", required=True)
LIMIT = Attribute(read=whole, meaning="how many; -1 is no limit")
READERS = 8


class _QuotaKind(CloudKind):
    """One project's limits in one service; the resource's id is the project's."""

    service: ClassVar[str]
    path: ClassVar[str]
    key: ClassVar[str]
    limits: ClassVar[dict[str, str]]
    """Attribute -> the service's field."""

    def create(self, inputs: Properties) -> Made:
        """Set the limits; doing it twice is doing it once."""
        project_id = str(inputs["project_id"])
        self._set(project_id, inputs)
        return Made(id=project_id, outputs=dict(inputs))

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Set the limits again."""
        self._set(made.id, new)
        return dict(new)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Give the project the cloud's default limits back."""
        self.cloud.service(self.service).delete(f"{self.path}/{made.id}")

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return the limits of the projects that exist: one request each, as the API wants it."""
        projects = self.cloud.bulk("identity", "/projects", "projects")
        there = projects.read(max_age_seconds=max(max_age_seconds, 5.0))
        wanted = sorted(set(ids) & there.keys())
        with ThreadPoolExecutor(READERS) as readers:
            rows = dict(zip(wanted, readers.map(self._row, wanted), strict=True))
        return {
            project_id: self._observed(project_id, row)
            for project_id, row in rows.items()
            if row is not None
        }

    def _row(self, project_id: str) -> Row | None:
        try:
            row: Row = self.cloud.service(self.service).get(f"{self.path}/{project_id}")[self.key]
        except RequestRefusedError as refusal:
            # Nova answers 400, the others 404, for a project deleted since it was listed.
            if refusal.status in {400, 404}:
                return None
            raise
        return row

    def _observed(self, project_id: str, row: Row) -> Observed:
        seen: dict[str, Json] = {n: row[f] for n, f in self.limits.items() if f in row}
        return Observed(id=project_id, properties={"project_id": project_id, **seen})

    def _set(self, project_id: str, inputs: Properties) -> None:
        body = {field: inputs[name] for name, field in self.limits.items() if name in inputs}
        self.cloud.service(self.service).put(f"{self.path}/{project_id}", {self.key: body})


class ComputeQuotaKind(_QuotaKind):
    """Servers, cores and memory."""

    kind = declare("compute:Quota", holds=False, replace_on={"project_id"})
    service, path, key = "compute", "/os-quota-sets", "quota_set"
    limits: ClassVar = {"instances": "instances", "cores": "cores", "memory_mib": "ram"}
    attributes: ClassVar = {"project_id": PROJECT, **dict.fromkeys(limits, LIMIT)}


class VolumeQuotaKind(_QuotaKind):
    """Volumes, their snapshots and their size."""

    kind = declare("volume:Quota", holds=False, replace_on={"project_id"})
    service, path, key = "block-storage", "/os-quota-sets", "quota_set"
    limits: ClassVar = {"volumes": "volumes", "storage_gib": "gigabytes", "snapshots": "snapshots"}
    attributes: ClassVar = {"project_id": PROJECT, **dict.fromkeys(limits, LIMIT)}


class NetworkQuotaKind(_QuotaKind):
    """Ports, addresses and the rest; Neutron alone lists the quotas of all projects at once."""

    kind = declare("network:Quota", holds=False, replace_on={"project_id"})
    service, path, key = "network", "/quotas", "quota"
    limits: ClassVar = {
        "ports": "port",
        "floating_ips": "floatingip",
        "security_group_rules": "security_group_rule",
    }
    attributes: ClassVar = {"project_id": PROJECT, **dict.fromkeys(limits, LIMIT)}

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return the limits of those projects that have any of their own."""
        quotas = self.cloud.bulk("network", self.path, "quotas", id_field="project_id")
        rows = quotas.read(max_age_seconds=max_age_seconds)
        return {id_: self._observed(id_, rows[id_]) for id_ in ids if id_ in rows}
