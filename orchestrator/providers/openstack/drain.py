"""Nova's compute hosts for maintenance: what is on them, and moving it away."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from orchestrator.errors import CloudError
from orchestrator.model.maintenance import ComputeHost, GroupPolicy, Instance, Move
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.refusals import ConflictError, NotThereError
from orchestrator.providers.openstack.rest import Rest, Row

PAUSE_SECONDS = 1.0
ABORT_SECONDS = 60.0
"""For Nova to give up a migration that it was told to abort."""

ASKED_AT_ONCE = 8
GROUPS_A_PAGE = 1000

NEVER_MOVED = ("pci_passthrough:alias", "hw:pmem", "accel:device_profile", "resources:VGPU")
"""Extra specs of a flavor that give its instances hardware of their host."""

TRAIT = "trait:"


class NovaComputes:
    """The Computes port: lists in bulk; two more requests a host for Placement's figures.

    Nova may know a host by its full name; here it has the site's, which is the first label.
    """

    def __init__(self, cloud: Cloud) -> None:
        """Call nobody yet."""
        self._cloud = cloud
        self._full_names: Mapping[str, str] = {}

    def hosts(self) -> Mapping[str, ComputeHost]:
        """Return all compute hosts by their name in the site."""
        services = self._services()
        providers = {
            row["name"]: row
            for row in self._placement.get("/resource_providers")["resource_providers"]
        }
        nodes = {
            row["service"]["host"]: row["hypervisor_hostname"]
            for row in self._nova.pages("/os-hypervisors/detail", "hypervisors")
        }
        aggregates = self._nova.get("/os-aggregates")["aggregates"]

        def read(service: Row) -> ComputeHost:
            node = nodes.get(service["host"], service["host"])
            mine = frozenset(row["name"] for row in aggregates if service["host"] in row["hosts"])
            return self._host(service, providers.get(node), mine)

        with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="placement") as pool:
            found = pool.map(read, services)
        return {host.name: host for host in found}

    def instances(self) -> tuple[Instance, ...]:
        """Return all instances that are on a host."""
        groups = {member: row for row in self._groups() for member in row["members"]}
        rows = self._nova.pages("/servers/detail", "servers", all_tenants=True)
        return tuple(
            _instance(row, groups.get(row["id"])) for row in rows if row["OS-EXT-SRV-ATTR:host"]
        )

    def cordon(self, host: ComputeHost, *, reason: str) -> None:
        """Disable the compute service."""
        body = {"status": "disabled", "disabled_reason": reason}
        self._nova.put(f"/os-services/{host.service}", body)

    def uncordon(self, host: ComputeHost) -> None:
        """Enable the compute service."""
        self._nova.put(f"/os-services/{host.service}", {"status": "enabled"})

    def move(self, move: Move, *, within: float) -> None:
        """Move an instance while it runs, and see it there."""
        deadline = time.monotonic() + within
        row = self._settled(move, deadline)
        if _host_of(row) != move.source:
            return  # an earlier run's migration ended, or its owner moved or deleted it
        if not self._full_names:
            self._services()
        to = self._full_names.get(move.to, move.to)
        body = {"os-migrateLive": {"host": to, "block_migration": "auto"}}
        try:
            self._nova.post_again(f"/servers/{move.instance}/action", body)
        except ConflictError:
            # An answer was lost, and the request with it repeated: Nova has begun already.
            if not self._row(move).get("OS-EXT-STS:task_state"):
                raise
        row = self._settled(move, deadline)
        if _host_of(row) == move.source:
            raise CloudError(
                f"{move.name} ({move.instance}) is still on {move.source}, {row['status']}: Nova "
                f"did not move it to {move.to}{self._reason(move)}",
                remedy="Nova's log on both hosts says more.",
            )
        if row["status"] == "ERROR":
            raise CloudError(
                f"{move.name} ({move.instance}) left {move.source} and is in ERROR on "
                f"{_host_of(row) or 'no host'}{self._reason(move)}",
                remedy="Nova's log on both hosts says more; its owner cannot use it as it is.",
            )

    @property
    def _nova(self) -> Rest:
        return self._cloud.service("compute")

    @property
    def _placement(self) -> Rest:
        return self._cloud.service("placement")

    def _services(self) -> list[Row]:
        rows: list[Row] = self._nova.get("/os-services", binary="nova-compute")["services"]
        self._full_names = {_label(row["host"]): row["host"] for row in rows}
        return rows

    def _host(self, service: Row, provider: Row | None, aggregates: frozenset[str]) -> ComputeHost:
        room: Mapping[str, float] = {}
        traits: frozenset[str] = frozenset()
        if provider is not None:
            path = f"/resource_providers/{provider['uuid']}"
            stocks = self._placement.get(f"{path}/inventories")["inventories"]
            room = {name: _room(stock) for name, stock in stocks.items()}
            traits = frozenset(self._placement.get(f"{path}/traits")["traits"])
        return ComputeHost(
            name=_label(service["host"]),
            service=service["id"],
            zone=service["zone"],
            enabled=service["status"] == "enabled",
            up=service["state"] == "up" and not service.get("forced_down"),
            vcpus=room.get("VCPU", 0.0) + room.get("PCPU", 0.0),
            memory_mib=room.get("MEMORY_MB", 0.0),
            disk_gib=room.get("DISK_GB", 0.0),
            reason=str(service.get("disabled_reason") or ""),
            traits=traits,
            aggregates=aggregates,
        )

    def _groups(self) -> Iterator[Row]:
        offset = 0
        while True:
            page = self._nova.get(
                "/os-server-groups", all_projects=True, limit=GROUPS_A_PAGE, offset=offset
            )["server_groups"]
            yield from page
            if not page:
                return
            offset += len(page)

    def _row(self, move: Move) -> Row:
        try:
            row: Row = self._nova.get(f"/servers/{move.instance}")["server"]
        except NotThereError:
            return {"status": "DELETED", "OS-EXT-SRV-ATTR:host": ""}
        return row

    def _settled(self, move: Move, deadline: float) -> Row:
        """Return the instance once Nova does nothing with it; abort what takes too long."""
        while True:
            row = self._row(move)
            if not row.get("OS-EXT-STS:task_state"):
                return row
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE_SECONDS)
        told = self._abort(move)
        raise CloudError(
            f"{move.name} ({move.instance}) did not come to {move.to} in time: {told}",
            remedy="Let it move when it is less busy, or ask its owner to stop it for a while.",
        )

    def _abort(self, move: Move) -> str:
        """End a migration, and say where that leaves the instance."""
        path = f"/servers/{move.instance}/migrations"
        for row in self._nova.get(path)["migrations"]:
            try:
                self._nova.delete(f"{path}/{row['id']}")
            except ConflictError:
                continue  # it is past the point of return: it ends by itself
        deadline = time.monotonic() + ABORT_SECONDS
        while time.monotonic() < deadline:
            row = self._row(move)
            if not row.get("OS-EXT-STS:task_state"):
                return f"aborted, it is on {_host_of(row) or 'no host'}, {row['status']}"
            time.sleep(PAUSE_SECONDS)
        return f"Nova was told to abort and is still busy with it after {ABORT_SECONDS:.0f} s"

    def _reason(self, move: Move) -> str:
        rows = self._nova.get("/os-migrations", instance_uuid=move.instance)["migrations"]
        last = max(rows, key=lambda row: int(row["id"]), default=None)
        return f" (its migration is `{last['status']}`)" if last else ""


def _label(name: str) -> str:
    return name.partition(".")[0]


def _host_of(row: Row) -> str:
    return _label(row["OS-EXT-SRV-ATTR:host"] or "")


def _room(stock: Row) -> float:
    return float((stock["total"] - stock["reserved"]) * stock["allocation_ratio"])


def _instance(row: Row, group: Row | None) -> Instance:
    flavor = row["flavor"]
    specs: Mapping[str, str] = flavor.get("extra_specs", {})
    return Instance(
        id=row["id"],
        name=row["name"],
        host=_host_of(row),
        status=row["status"],
        task=str(row["OS-EXT-STS:task_state"] or ""),
        vcpus=flavor["vcpus"],
        memory_mib=flavor["ram"],
        # An instance of a volume has no image, and no root disk on its host.
        disk_gib=(flavor["disk"] if row["image"] else 0) + flavor["ephemeral"],
        group=group["id"] if group else "",
        policy=_policy(group),
        traits=frozenset(
            key.removeprefix(TRAIT)
            for key, value in specs.items()
            if key.startswith(TRAIT) and value == "required"
        ),
        devices=tuple(sorted(key for key in specs if key.startswith(NEVER_MOVED))),
    )


def _policy(group: Row | None) -> GroupPolicy | None:
    if group is None:
        return None
    named = group.get("policy") or next(iter(group.get("policies", ())), "")
    # A policy of a later Nova is taken for the strictest that keeps members apart.
    return GroupPolicy(named) if named in set(GroupPolicy) else GroupPolicy.ANTI_AFFINITY
