"""Nova: flavors and host aggregates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Properties
from orchestrator.providers.attributes import (
    Attribute,
    flag,
    mapping,
    text,
    text_set,
    whole,
)
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.identity import NAME
from orchestrator.providers.openstack.kind import ListedKind
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare

OWNER_KEY = "govcloud:site"
"""Extra spec or metadata that names the owning site; Nova's filters pass over foreign scopes."""
AWAITING_KEY = "govcloud:awaiting-"
METADATA_LENGTH = 255

SITE = Attribute(read=text, meaning="the owning site", required=True)


class FlavorKind(ListedKind):
    """A size of virtual machine. Nova changes neither its numbers nor its name."""

    kind = declare(
        "compute:Flavor",
        holds=True,
        replace_on={"name", "vcpus", "memory_mib", "disk_gib", "public"},
    )
    attributes: ClassVar = {
        "name": NAME,
        "site": SITE,
        "vcpus": Attribute(read=whole, meaning="virtual CPUs", required=True),
        "memory_mib": Attribute(read=whole, meaning="memory, in MiB", required=True),
        "disk_gib": Attribute(read=whole, meaning="root disk, in GiB", required=True),
        "public": Attribute(read=flag, meaning="whether every project may use it"),
        "extra_specs": Attribute(read=mapping, meaning="what the scheduler and hypervisor heed"),
    }
    service = "compute"
    path, singular, plural = "/flavors", "flavor", "flavors"
    fields: ClassVar = {
        "name": "name",
        "vcpus": "vcpus",
        "memory_mib": "ram",
        "disk_gib": "disk",
        "public": "os-flavor-access:is_public",
    }

    @property
    def rows(self) -> Bulk:
        """Return the flavors with their extra specs."""
        return self.cloud.bulk(
            "compute", "/flavors/detail", "flavors", params={"is_public": "None"}
        )

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say whether the site's mark is on it, or nothing is yet."""
        return bool(row["extra_specs"].get(OWNER_KEY, inputs["site"]) == inputs["site"])

    def post(self, inputs: Properties) -> Row:
        """Make the flavor; its extra specs follow."""
        return {**super().post(inputs), "extra_specs": {}}

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row, with the mark apart from the other extra specs."""
        return super().properties(row) | split_mark(row["extra_specs"], "extra_specs")

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Bring the extra specs to the declared ones; nothing else can change."""
        rest = self.cloud.service("compute")
        path = f"/flavors/{resource_id}/os-extra_specs"
        row = self.rows.by_id(resource_id)
        there = row["extra_specs"] if row else rest.get(path)["extra_specs"]
        wanted = {**string_map(inputs.get("extra_specs")), OWNER_KEY: str(inputs["site"])}
        if wanted.items() - there.items():
            rest.post_again(path, {"extra_specs": wanted})
        for key in sorted(there.keys() - wanted.keys()):
            rest.delete(f"{path}/{key}")
        if row:
            self.rows.put({**row, "extra_specs": wanted})


class HostAggregateKind(ListedKind):
    """A host aggregate. Hosts that Nova does not know yet are awaited.

    The names awaited stand in the aggregate's own metadata, so that reading it back gives what
    was declared; once Nova knows one of them, the reading differs, and the next update adds it.
    """

    kind = declare("compute:HostAggregate", holds=False)
    attributes: ClassVar = {
        "name": NAME,
        "site": SITE,
        "availability_zone": Attribute(read=text, meaning="of its hosts"),
        "hosts": Attribute(read=text_set, meaning="compute hosts that belong to it"),
        "metadata": Attribute(read=mapping, meaning="what the scheduler heeds"),
    }
    service, verb = "compute", "PUT"
    path, singular, plural = "/os-aggregates", "aggregate", "aggregates"
    fields: ClassVar = {n: n for n in ("name", "availability_zone")}

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say whether the site's mark is on it, or nothing is yet."""
        return bool(row["metadata"].get(OWNER_KEY, inputs["site"]) == inputs["site"])

    def post(self, inputs: Properties) -> Row:
        """Make the aggregate; hosts and metadata follow."""
        return {"hosts": [], "metadata": {}, **super().post(inputs)}

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row; hosts are its members and those still awaited."""
        metadata = {
            key: value for key, value in row["metadata"].items() if key != "availability_zone"
        }
        awaited = _awaited(metadata) - self._known()
        plain = {k: v for k, v in metadata.items() if not k.startswith(AWAITING_KEY)}
        hosts: list[Json] = [*sorted({*row["hosts"], *awaited})]
        return super().properties(row) | split_mark(plain, "metadata") | {"hosts": hosts}

    def outputs(self, resource_id: str, inputs: Properties) -> Properties:
        """Return the inputs and the hosts that Nova does not know yet."""
        awaiting: list[Json] = [*sorted(_hosts(inputs) - self._known())]
        return {**inputs, "awaiting": awaiting}

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change zone and name, then members, then metadata."""
        super().change(resource_id, changed, inputs)
        rest = self.cloud.service("compute")
        row: Row = (
            self.rows.by_id(resource_id) or rest.get(f"{self.path}/{resource_id}")["aggregate"]
        )
        wanted = _hosts(inputs)
        joining, leaving = wanted & self._known() - {*row["hosts"]}, {*row["hosts"]} - wanted
        for act, hosts in (("add_host", joining), ("remove_host", leaving)):
            for host in sorted(hosts):
                self._act(resource_id, {act: {"host": host}})
        there = {k: v for k, v in row["metadata"].items() if k != "availability_zone"}
        after = {
            **string_map(inputs.get("metadata")),
            OWNER_KEY: str(inputs["site"]),
            **_written(wanted - self._known()),
        }
        difference: dict[str, Json] = {
            key: after.get(key)
            for key in there.keys() | after.keys()
            if there.get(key) != after.get(key)
        }
        if difference:
            self._act(resource_id, {"set_metadata": {"metadata": difference}})

    def delete(self, made: Made, inputs: Properties) -> None:
        """Take the hosts out, then delete the aggregate."""
        row = self.rows.read().get(made.id)
        for host in row["hosts"] if row else ():
            self._act(made.id, {"remove_host": {"host": host}})
        super().delete(made, inputs)

    def _act(self, resource_id: str, action: Mapping[str, Json]) -> None:
        # Repeated after a lost answer, adding or removing a host may be refused: no harm is done,
        # and the next run finds the host where it belongs.
        answer = self.cloud.service("compute").post_again(
            f"{self.path}/{resource_id}/action", action
        )
        if "aggregate" in answer:
            self.rows.put(answer["aggregate"])

    def _known(self) -> set[str]:
        services = self.cloud.bulk(
            "compute", "/os-services", "services", params={"binary": "nova-compute"}
        )
        return {row["host"] for row in services.read(max_age_seconds=60).values()}


def _hosts(inputs: Properties) -> set[str]:
    hosts = inputs.get("hosts")
    return {str(host) for host in hosts} if isinstance(hosts, list) else set()


def string_map(value: Json) -> dict[str, str]:
    """Return a mapping of texts, empty where there is none."""
    return {k: str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def split_mark(marked: Mapping[str, str], name: str) -> dict[str, Json]:
    """Return the site's mark and the rest as two attributes; no mark reads as nobody's."""
    rest: dict[str, Json] = {k: v for k, v in sorted(marked.items()) if k != OWNER_KEY}
    return {"site": marked.get(OWNER_KEY, ""), name: rest}


def _awaited(metadata: Mapping[str, str]) -> set[str]:
    """Return the names awaited, out of the chunks that metadata values hold."""
    chunks = [value for key, value in metadata.items() if key.startswith(AWAITING_KEY)]
    return {host for chunk in chunks for host in chunk.split(",") if host}


def _written(hosts: Collection[str]) -> dict[str, str]:
    """Spread names over metadata values, which hold 255 characters each."""
    chunks: list[str] = []
    for host in sorted(hosts):
        if len(host) > METADATA_LENGTH:
            raise CloudError(f"the host name {host} is too long for Nova")
        if chunks and len(chunks[-1]) + 1 + len(host) <= METADATA_LENGTH:
            chunks[-1] += f",{host}"
        else:
            chunks.append(host)
    return {f"{AWAITING_KEY}{number:02}": chunk for number, chunk in enumerate(chunks)}
