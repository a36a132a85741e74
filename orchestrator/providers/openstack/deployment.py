"""The deployment port on Ironic and Glance."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from orchestrator.errors import CloudError
from orchestrator.model.deploy import NodeFacts, StoredImage
from orchestrator.ports.deploy import Order
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.provision import NodeWatch
from orchestrator.providers.openstack.refusals import ConflictError
from orchestrator.providers.openstack.rest import Rest, Row

NODE_FIELDS = "uuid,name,provision_state,instance_info,instance_uuid,maintenance"
DECLARED_HASH = "govcloud_sha256"
"""Property of an image that this tool uploaded."""

RESTING = frozenset({"active", "available", "deploy failed", "error", "deploy hold"})
REBUILT_FROM = frozenset({"active", "error"})
LOCKED_SECONDS = 120.0
"""How long Ironic may keep a node locked before it takes our request."""

PAUSE_SECONDS = 0.2


class IronicDeployer:
    """Servers and images of one cloud; states are read by one list for all that wait."""

    def __init__(self, cloud: Cloud) -> None:
        """Call nobody yet."""
        self._cloud = cloud
        self._watch = NodeWatch(cloud.service("baremetal"))
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()

    def nodes(self) -> Mapping[str, NodeFacts]:
        """Return all servers by name."""
        rows = self._rest.pages("/nodes", "nodes", fields=NODE_FIELDS)
        return {row["name"]: _facts(row) for row in rows}

    def images(self) -> Sequence[StoredImage]:
        """Return the usable images."""
        rows = self._cloud.service("image").pages("/images", "images")
        return tuple(
            StoredImage(
                id=row["id"], name=row["name"], sha256=str(row.get(DECLARED_HASH, "")).lower()
            )
            for row in rows
            if row["status"] == "active"
        )

    def begin(self, order: Order) -> None:
        """Name the image, then ask for the deployment.

        A server with a system on it is rebuilt: Ironic keeps it out of the scheduler's reach.
        """
        node = order.node
        values = {"image_source": order.image.id, "display_name": node.name}
        patch = [
            {"op": "add", "path": f"/instance_info/{key}", "value": value}
            for key, value in values.items()
        ]
        target = "rebuild" if node.state in REBUILT_FROM else "active"
        body = {"target": target, "configdrive": dict(order.config)}
        self._patiently(lambda: self._rest.patch(f"/nodes/{node.id}", patch))
        with self._lock:
            self._begun[node.id] = time.monotonic()
        self._patiently(lambda: self._rest.put(f"/nodes/{node.id}/states/provision", body))
        with self._lock:
            # A list that was begun before Ironic's answer may still tell the old state.
            self._begun[node.id] = time.monotonic()

    def settled(self, node_id: str, *, within: float) -> NodeFacts:
        """Return the server once Ironic rests in a state."""
        since = self._begun.get(node_id, time.monotonic())
        deadline = time.monotonic() + within
        state = ""
        while time.monotonic() < deadline:
            seen = self._watch.state(node_id, since=since)
            if seen is None:
                time.sleep(PAUSE_SECONDS)
                continue
            state, since = seen.state, time.monotonic()
            if state in RESTING:
                row = self._rest.get(f"/nodes/{node_id}", fields=f"{NODE_FIELDS},last_error")
                return _facts(row)
        raise CloudError(
            f"Ironic has it as {state or 'nothing'} after {within:.0f} s",
            remedy="Look at its console and at Ironic's log; the same command goes on waiting.",
        )

    @property
    def _rest(self) -> Rest:
        return self._cloud.service("baremetal")

    def _patiently(self, ask: Callable[[], object]) -> None:
        """Ask again while Ironic has the node locked."""
        deadline = time.monotonic() + LOCKED_SECONDS
        while True:
            try:
                ask()
            except ConflictError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)
            else:
                return


def _facts(row: Row) -> NodeFacts:
    return NodeFacts(
        id=row["uuid"],
        name=row["name"] or "",
        state=row["provision_state"],
        image=str(row["instance_info"].get("image_source", "")),
        maintenance=bool(row["maintenance"]),
        instance=str(row["instance_uuid"] or ""),
        error=str(row.get("last_error") or ""),
    )
