"""Ironic, Glance and the servers' hosts in memory, behind our ports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orchestrator.errors import CloudError, HostError
from orchestrator.model.deploy import NodeFacts, StoredImage
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault, Ran
from orchestrator.ports.deploy import DeployPorts, Order
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

SHA = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
IMAGE = StoredImage(id="glance-1", name="debian-12", sha256=SHA)


@dataclass
class FakeMetal:
    """Servers that Ironic writes; `silent` ones never answer SSH, `broken` ones fail in Ironic."""

    nodes: dict[str, NodeFacts]
    images: tuple[StoredImage, ...] = (IMAGE,)
    silent: set[str] = field(default_factory=set)
    lets_in: dict[str, datetime] = field(default_factory=dict)
    """Before this moment a host answers, and refuses the login."""
    broken: set[str] = field(default_factory=set)
    records: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each host that runs tells of its image."""
    begun: list[str] = field(default_factory=list)
    drives: dict[str, dict[str, Any]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    release: str = 'ID=debian\nVERSION_ID="12"\n'
    answers: Callable[[Server, str], Ran] | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    audit: FakeAudit = field(default_factory=FakeAudit)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ports(self) -> DeployPorts:
        deployer, hosts = _Deployer(self), _Hosts(self)
        return DeployPorts(
            deployer=deployer, hosts=hosts, clock=self.clock, lock=FakeLock(), audit=self.audit
        )

    def is_active(self, *names: str) -> None:
        """Let servers have the image, and their hosts say so."""
        for name in names:
            self.nodes[name] = replace(self.nodes[name], state="active", image=IMAGE.id)
            self.records[name] = {"name": IMAGE.name, "sha256": SHA}


def metal(*names: str, state: str = "available") -> FakeMetal:
    return FakeMetal({name: NodeFacts(id=f"id-{name}", name=name, state=state) for name in names})


class _Deployer:
    def __init__(self, world: FakeMetal) -> None:
        self.world = world

    def nodes(self) -> dict[str, NodeFacts]:
        return dict(self.world.nodes)

    def images(self) -> tuple[StoredImage, ...]:
        return self.world.images

    def begin(self, order: Order) -> None:
        world, name = self.world, order.node.name
        with world.lock:
            world.begun.append(name)
            world.drives[name] = dict(order.config)
            node = replace(world.nodes[name], image=order.image.id, state="deploying")
            world.nodes[name] = node

    def settled(self, node_id: str, *, within: float) -> NodeFacts:
        world = self.world
        with world.lock:
            (name,) = (name for name, node in world.nodes.items() if node.id == node_id)
            node = world.nodes[name]
            if node.state != "deploying":
                return node
            if name in world.broken:
                return self._left(replace(node, state="deploy failed", error="no boot device"))
            for file in _files(world.drives.get(name, {})):
                world.records[name] = json.loads(file["content"])
            return self._left(replace(node, state="active"))

    def _left(self, node: NodeFacts) -> NodeFacts:
        self.world.nodes[node.name] = node
        return node


class _Hosts:
    def __init__(self, world: FakeMetal) -> None:
        self.world = world

    def run(self, server: Server, command: str, *, within: float, given: str = "") -> Ran:
        world = self.world
        if server.name in world.silent or server.name not in world.records:
            raise HostError(f"{server.name}: does not answer", fault=HostFault.SILENT)
        if world.clock.time < world.lets_in.get(server.name, world.clock.time):
            why = f"{server.name}: refuses the login"
            raise HostError(why, fault=HostFault.LOGIN_REFUSED)
        if world.answers is not None:
            return world.answers(server, command)
        record = json.dumps(world.records[server.name])
        return Ran(status=0, out=f"{server.name}\n---\n{world.release}---\n{record}\n")

    def expect_new_key(self, server: Server) -> None:
        self.world.forgotten.append(server.name)

    def public_key(self, server: Server) -> str:
        return "ssh-ed25519 AAAA"


def _files(drive: dict[str, Any]) -> list[dict[str, str]]:
    if not drive:
        raise CloudError("nothing was ordered")
    config = json.loads(drive["user_data"].removeprefix("#cloud-config\n"))
    files: list[dict[str, str]] = config["write_files"]
    return files
