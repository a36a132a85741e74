"""Decide what a deployment does: which image a server gets, what it needs, and who is next."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.model.deploy import (
    DeployAct,
    DeployPlan,
    DeployStep,
    NodeFacts,
    StoredImage,
)
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostIdentity
from orchestrator.model.inventory import Comparison
from orchestrator.model.site import Site
from orchestrator.model.system import Image
from orchestrator.model.verdict import Verdict

DEPLOYABLE = frozenset({"available", "deploy failed"})
WRITING = frozenset({"deploying", "wait call-back"})
ACTIVE = "active"
REBUILDABLE = frozenset({ACTIVE, "error"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What was observed before planning."""

    nodes: Mapping[str, NodeFacts]
    images: Sequence[StoredImage]
    identities: Mapping[str, HostIdentity]
    """Of the hosts that answered, by server name."""

    def image_name(self, node: NodeFacts | None) -> str:
        """Return the name of the image that a server has.

        Where Glance has it no more it is the name that its host tells, or else its id.
        """
        if node is None or node.state not in REBUILDABLE:
            return ""
        names = {image.id: image.name for image in self.images}
        told = self.identities.get(node.name)
        return names.get(node.image) or (told.image if told else "") or node.image


def declared_image(site: Site, server: Server, chosen: str | None) -> Image | str:
    """Return the image that a server is to have, or why there is none.

    Without a choice it is the one image with the operating system that the baseline of the
    server's role names.
    """
    images = {image.name: image for image in site.system.images}
    if chosen is not None:
        return images.get(chosen) or f"the site has no image {chosen}"
    wanted = {
        (baseline.os_distro, baseline.os_version)
        for baseline in site.system.host_baselines
        if server.role in baseline.roles
    }
    if len(wanted) != 1:
        count = "no baseline" if not wanted else "baselines with different systems"
        return f"{count} for role {server.role}: choose an image with --image"
    (system,) = wanted
    fitting = [image for image in images.values() if (image.os_distro, image.os_version) == system]
    if len(fitting) != 1:
        names = ", ".join(image.name for image in fitting) or "no image"
        return f"{names} for {' '.join(system)}: choose an image with --image"
    return fitting[0]


def stored_image(image: Image, images: Sequence[StoredImage]) -> StoredImage | None:
    """Return the image in Glance: the one with the declared content where several have its name."""
    named = [one for one in images if one.name == image.name]
    exact = [one for one in named if one.sha256 == image.sha256.lower()]
    return next(iter((*exact, *named)), None)


def plan_deploy(
    site: Site,
    servers: Sequence[Server],
    known: Known,
    *,
    chosen: str | None = None,
    again: bool = False,
) -> DeployPlan:
    """Return one step for every server; `again` also writes those that are as declared."""
    return DeployPlan(
        steps=tuple(
            _step(server, declared_image(site, server, chosen), known, again=again)
            for server in servers
        )
    )


def _step(server: Server, image: Image | str, known: Known, *, again: bool) -> DeployStep:
    node = known.nodes.get(server.name)
    step = DeployStep(
        server=server.name,
        act=DeployAct.REFUSED,
        before=known.image_name(node),
        image="" if isinstance(image, str) else image.name,
        node=node,
    )
    if isinstance(image, str):
        return replace(step, reason=image)
    if node is None:
        return replace(step, reason="Ironic does not know it: apply the hardware layer")
    stored = stored_image(image, known.images)
    refusal = _refusal(server, node, image=image, stored=stored)
    if refusal or stored is None:
        return replace(step, reason=refusal)
    told = known.identities.get(server.name)
    act, reason = _act(node, stored, told, again=again)
    if act is DeployAct.NONE:
        reason = _doubt(server, image, told)
        act = DeployAct.CONFIRM if reason else DeployAct.NONE
    return replace(step, act=act, reason=reason, stored=stored)


def _act(
    node: NodeFacts, stored: StoredImage, told: HostIdentity | None, *, again: bool
) -> tuple[DeployAct, str]:
    """Return what Ironic has to do, and why."""
    if node.state in WRITING:
        return DeployAct.FINISH, ""
    if node.state in DEPLOYABLE:
        return DeployAct.DEPLOY, ""
    if node.state != ACTIVE or again:
        return DeployAct.REBUILD, ""
    if node.image != stored.id:
        # Glance may have the same content under another id: uploaded again after a loss.
        same = told is not None and (told.image, told.sha256) == (stored.name, stored.sha256)
        return (DeployAct.NONE, "") if same else (DeployAct.REBUILD, "")
    if told is not None and told.sha256 not in {"", stored.sha256}:
        # A run was killed after it had named the image, and before it had it written.
        return DeployAct.REBUILD, f"its host still has {told.image}"
    return DeployAct.NONE, ""


def _doubt(server: Server, image: Image, told: HostIdentity | None) -> str:
    """Return what is wrong with the host on a server that has its image, or nothing.

    Such a server is never written again unasked: that it does not answer at this moment is no
    reason to destroy what is on it.
    """
    if told is None:
        return "its host does not answer"
    wrong = differing(compare_identity(server, image, told))
    return f"its host tells another {wrong[0].fact}" if wrong else ""


def _refusal(server: Server, node: NodeFacts, *, image: Image, stored: StoredImage | None) -> str:
    """Return why a server cannot be deployed, or nothing."""
    faults = (
        (server.address is None, "its host's address is not declared: SSH could prove nothing"),
        (stored is None, f"{image.name} is not in Glance: apply the system layer"),
        (
            stored is not None and stored.sha256 != image.sha256.lower(),
            f"{image.name} in Glance is not the declared content: apply the system layer",
        ),
        (node.maintenance, "it is in maintenance: somebody works on it"),
        (bool(node.instance), f"Nova's instance {node.instance} is on it: it is a tenant's"),
        (
            node.state not in DEPLOYABLE | WRITING | REBUILDABLE,
            f"Ironic has it as {node.state}: apply the hardware layer",
        ),
        (
            stored is not None and node.state in WRITING and node.image != stored.id,
            "Ironic is writing another image to it",
        ),
    )
    return next((reason for applies, reason in faults if applies), "")


def compare_identity(server: Server, image: Image, told: HostIdentity) -> tuple[Comparison, ...]:
    """Compare who a host says it is with who it was deployed as."""
    return (
        _fact("hostname", server.name, told.hostname),
        _fact("image", image.name, told.image),
        _fact("image sha256", image.sha256.lower(), told.sha256),
        _fact("os", image.os_distro, told.os_id),
        _version(image.os_version, told.os_version),
    )


def differing(facts: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return the facts that are not as declared."""
    return tuple(one for one in facts if one.verdict is Verdict.FAIL)


def _fact(name: str, declared: str, found: str) -> Comparison:
    verdict = Verdict.PASS if declared.lower() == found.lower() else Verdict.FAIL
    return Comparison(fact=name, declared=declared, found=found or "nothing", verdict=verdict)


def _version(declared: str, found: str) -> Comparison:
    """Compare versions: `22.03-LTS-SP4` is declared where a host says VERSION_ID="22.03"."""
    fits = bool(found) and declared.lower().startswith(found.lower())
    verdict = Verdict.PASS if fits else Verdict.FAIL
    return Comparison(
        fact="os version", declared=declared, found=found or "nothing", verdict=verdict
    )


@dataclass(kw_only=True)
class Rollout:
    """Who is next: at most `parallel` at a time, and nobody once `budget` have failed."""

    waiting: deque[DeployStep]
    parallel: int
    budget: int
    """Failures at which nothing new is started."""
    running: set[str] = field(default_factory=set)
    failures: int = 0
    stopped: bool = False
    """Somebody asked to stop."""

    @property
    def is_spent(self) -> bool:
        """Say whether the budget of failures is used up."""
        return self.failures >= self.budget

    def next_steps(self) -> list[DeployStep]:
        """Return the steps to start now; they count as running from here on."""
        started: list[DeployStep] = []
        while (
            self.waiting
            and not self.stopped
            and not self.is_spent
            and len(self.running) < self.parallel
        ):
            step = self.waiting.popleft()
            self.running.add(step.server)
            started.append(step)
        return started

    def ended(self, server: str, *, failed: bool) -> None:
        """Take note of a server that ended."""
        self.running.discard(server)
        self.failures += failed
