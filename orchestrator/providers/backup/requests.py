"""Requests to hosts: about a repository from near or far, a cluster, a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.model.backup import Cluster, Instance, Place, Subject
from orchestrator.ports import SecretStore
from orchestrator.ports.backup import Store
from orchestrator.providers.backup.sending import Agents


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """How requests are made: the stores' keys are opened here, and go into a request alone."""

    agents: Agents
    secrets: SecretStore

    def far(self, store: Store, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return a request about a repository, as its clients reach it."""
        address = str(store.server.address or "")
        return {"repository": {"address": address, "key": self._key(store)}, **more}

    def near(self, store: Store, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return a request about a repository, for its own server."""
        return {"repository": {"path": store.repository.path, "key": self._key(store)}, **more}

    def at(
        self,
        store: Store,
        act: str,
        *,
        within: float,
        **more: Any,  # noqa: ANN401 - JSON
    ) -> Mapping[str, Any]:
        """Have a repository's own server do an act."""
        return self.agents.ask(store.server, act, self.near(store, **more), within=within)

    def _key(self, store: Store) -> str:
        return self.secrets.get(store.repository.key).reveal()


def cluster_json(cluster: Cluster) -> dict[str, Any]:
    """Return a cluster as hosts are asked about it."""
    return {
        "name": cluster.name,
        "version": cluster.version,
        "port": cluster.port,
        "database": cluster.database,
    }


def instance_json(instance: Instance) -> dict[str, Any]:
    """Return a MariaDB server as hosts are asked about it."""
    return {
        "name": instance.name,
        "port": instance.port,
        "databases": list(instance.databases),
    }


def place_json(place: Place) -> dict[str, Any]:
    """Return a place as hosts are asked about it."""
    cluster, instance = place.cluster, place.instance
    return {
        "cluster": cluster_json(cluster) if cluster else None,
        "instance": instance_json(instance) if instance else None,
        "folder": place.folder,
        "make": place.make,
        # Of a lock on the host: a drill ends whoever holds its own, and nobody else.
        "name": _lock_name(place),
    }


def _lock_name(place: Place) -> str:
    if place.instance is not None:
        return place.instance.name or "mariadb"
    return place.cluster.name if place.cluster else f"files{place.folder}"


def act_at(act: str, thing: Subject | Place) -> str:
    """Return what hosts call an act: on databases there are acts of their own."""
    return act if thing.instance is None else f"{act}-databases"
