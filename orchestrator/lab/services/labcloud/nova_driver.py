"""Nova's FakeDriver, made to survive a restart: stable node ids, instances read back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

from nova import context as nova_context
from nova import objects
from nova.virt import fake

STUCK_HOSTS: set[str] = set()
"""Hosts that no live migration ever leaves, until it is aborted or the host is let go."""

LOOK_SECONDS = 0.2


class LabDriver(fake.FakeDriver):
    """A compute host without a hypervisor."""

    vcpus, memory_mb, local_gb = 128, 1024 * 1024, 20_000

    def init_host(self, host: str) -> None:
        """Remember the instances that the database says are here."""
        super().init_host(host)
        self._lab_host = host
        self._aborted: dict[str, threading.Event] = {}
        instances = objects.InstanceList.get_by_host(
            nova_context.get_admin_context(), host, expected_attrs=["flavor"]
        )
        for instance in instances:
            self.instances[instance.uuid] = fake.FakeInstance(
                instance.name, instance.power_state, instance.uuid
            )

    def live_migration(  # noqa: PLR0913, PLR0917 - Nova's signature
        self,
        context: Any,  # noqa: ANN401 - Nova's
        instance: Any,  # noqa: ANN401 - Nova's
        dest: str,
        post_method: Callable[..., None],
        recover_method: Callable[..., None],
        block_migration: bool = False,
        migrate_data: Any = None,  # noqa: ANN401 - Nova's
    ) -> None:
        """Move an instance at once; from a stuck host it is on its way until somebody aborts it."""
        aborted = self._aborted[instance.uuid] = threading.Event()
        while self._lab_host in STUCK_HOSTS and not aborted.wait(LOOK_SECONDS):
            pass
        del self._aborted[instance.uuid]
        if aborted.is_set():
            recover_method(context, instance, dest, migrate_data, migration_status="cancelled")
            return
        post_method(context, instance, dest, block_migration, migrate_data)

    def live_migration_abort(self, instance: Any) -> None:  # noqa: ANN401 - Nova's
        """End a live migration that is on its way: the instance stays where it is."""
        if instance.uuid in self._aborted:
            self._aborted[instance.uuid].set()

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """Give the node the same id after every start; FakeDriver draws a new one."""
        resource: dict[str, Any] = super().get_available_resource(nodename)
        if resource:
            resource["uuid"] = _node_uuid(nodename)
        return resource

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        """Index the nodes by those ids."""
        return {_node_uuid(name): name for name in self.get_available_nodes()}

    def get_host_uptime(self) -> str:
        """Answer what `uptime` would; FakeDriver does not implement it."""
        return " 00:00:00 up 1 day,  0:00,  0 users,  load average: 0.00, 0.00, 0.00"


def _node_uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"lab-node-{name}"))
