"""Deploy servers: look at what they have, and bring the declared image to those that lack it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from orchestrator.errors import HostError, OrchestratorError
from orchestrator.model.deploy import (
    IMAGE_RECORD,
    DeployAct,
    DeployOutcome,
    DeployPlan,
    DeployReport,
    DeployResult,
    DeployStep,
)
from orchestrator.model.hardware import Server
from orchestrator.model.host import NO_PATIENCE, HostFault, HostIdentity
from orchestrator.model.site import Site
from orchestrator.model.system import Image
from orchestrator.model.units import Json
from orchestrator.planning.deploy import (
    ACTIVE,
    Known,
    Rollout,
    compare_identity,
    declared_image,
    differing,
    plan_deploy,
)
from orchestrator.planning.host_config import host_config
from orchestrator.ports.deploy import DeployPorts, Order
from orchestrator.ports.host import Hosts

LOOK_SECONDS = 15.0
"""For a host that runs to say who it is."""

RETRY_SECONDS = 2.0
LOOKS_AT_ONCE = 32

WHO = f"""\
hostname
echo ---
cat /etc/os-release
echo ---
cat {IMAGE_RECORD} 2>/dev/null || echo '{{}}'
"""

LOGIN_SECONDS = 120.0
"""So long a host that answers may refuse the login: it starts, or what an image runs at its first
boot has not made the account yet."""

Told = Callable[[DeployResult], None]
"""Hears of each server when it ends; called by one thread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How far a rollout may go."""

    parallel: int
    budget: int
    """Failures at which nothing new is started."""
    write_seconds: float
    """For Ironic to write one server."""
    answer_seconds: float
    """For a written server to boot and answer SSH."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to be deployed where."""

    site: Site
    servers: tuple[Server, ...]
    image: str | None = None
    """None: the one that each server's role declares."""
    again: bool = False
    """Also write servers that are as declared."""


def look(wish: Wish, ports: DeployPorts) -> DeployPlan:
    """Return what is to be done; the hosts of servers that have an image are asked which."""
    nodes, images = ports.deployer.nodes(), ports.deployer.images()
    written = [
        server
        for server in wish.servers
        if (node := nodes.get(server.name)) and node.state == ACTIVE and not node.instance
    ]
    known = Known(nodes=nodes, images=images, identities=_identities(written, ports.hosts))
    return plan_deploy(wish.site, wish.servers, known, chosen=wish.image, again=wish.again)


def _identities(servers: Sequence[Server], hosts: Hosts) -> dict[str, HostIdentity]:
    def ask(server: Server) -> HostIdentity | None:
        try:
            return identity_of(server, hosts)
        except HostError:
            return None  # the plan says that it does not answer; the run says why

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="host") as pool:
        told = zip(servers, pool.map(ask, servers), strict=True)
        return {server.name: one for server, one in told if one is not None}


def identity_of(server: Server, hosts: Hosts) -> HostIdentity:
    """Ask a host who it is.

    Raises:
        HostError: it does not answer, or what it answers is no identity.
    """
    ran = hosts.run(server, WHO, within=LOOK_SECONDS)
    try:
        hostname, release, record = ran.out.split("---\n")
        image = json.loads(record)
        words = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
        return HostIdentity(
            hostname=hostname.strip(),
            os_id=words.get("ID", "").strip('"'),
            os_version=words.get("VERSION_ID", "").strip('"'),
            image=str(image.get("name", "")),
            sha256=str(image.get("sha256", "")),
        )
    except (ValueError, AttributeError) as error:
        raise HostError(
            f"{server.name} does not say who it is: {(ran.err or ran.out)[:200]!r}",
            fault=HostFault.FAILED,
        ) from error


@dataclass(kw_only=True)
class Deployment:
    """One rollout of an approved plan."""

    wish: Wish
    plan: DeployPlan
    ports: DeployPorts
    limits: Limits
    _rollout: Rollout = field(init=False)

    def __post_init__(self) -> None:
        """Line the work up."""
        self._rollout = Rollout(
            waiting=deque(self.plan.work), parallel=self.limits.parallel, budget=self.limits.budget
        )

    def stop(self) -> None:
        """Start nothing new; what runs is finished."""
        self._rollout.stopped = True

    def run(self, told: Told) -> DeployReport:
        """Work until nothing is left that may be started; say how every server of the plan is."""
        ended = self._roll(told)
        return DeployReport(
            results=tuple(ended.get(step.server) or _left(step) for step in self.plan.steps),
            interrupted=self._rollout.stopped,
        )

    def _roll(self, told: Told) -> dict[str, DeployResult]:
        ended: dict[str, DeployResult] = {}
        running: set[Future[DeployResult]] = set()
        with ThreadPoolExecutor(self.limits.parallel, thread_name_prefix="deploy") as pool:
            while True:
                running |= {pool.submit(self._one, step) for step in self._rollout.next_steps()}
                if not running:
                    return ended
                done, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    failed = result.outcome is DeployOutcome.FAILED
                    self._rollout.ended(result.server, failed=failed)
                    ended[result.server] = result
                    told(result)

    def _one(self, step: DeployStep) -> DeployResult:
        """Bring one server to its image; whatever fails is its result."""
        clock = self.ports.clock
        begun = clock.now()
        facts: dict[str, Json] = {"server": step.server, "act": step.act, "image": step.image}
        try:
            self.ports.audit.append(act="deploy-begin", facts=facts)
            result = self._work(step)
        except OrchestratorError as error:
            result = DeployResult(
                server=step.server,
                outcome=DeployOutcome.FAILED,
                state=error.message,
                remedy=error.remedy,
            )
        seconds = (clock.now() - begun).total_seconds()
        ending: dict[str, Json] = {**facts, "outcome": result.outcome, "state": result.state}
        self.ports.audit.append(act="deploy-end", facts=ending)
        return replace(result, seconds=seconds)

    def _work(self, step: DeployStep) -> DeployResult:
        server = next(one for one in self.wish.servers if one.name == step.server)
        image = declared_image(self.wish.site, server, self.wish.image)
        if isinstance(image, str) or step.node is None or step.stored is None:
            raise ValueError(f"{step.server} was planned without an image or a node")
        if step.act.writes:
            config = host_config(
                self.wish.site, server, image, public_key=self.ports.hosts.public_key(server)
            )
            order = Order(node=step.node, image=step.stored, config=config)
            # Before the disk is written: a run that is killed here meets the new key without a pin.
            self.ports.hosts.expect_new_key(server)
            self.ports.deployer.begin(order)
        written = self.ports.deployer.settled(step.node.id, within=self.limits.write_seconds)
        if written.state != ACTIVE:
            return DeployResult(
                server=step.server,
                outcome=DeployOutcome.FAILED,
                state=f"Ironic has it as {written.state}: {written.error or 'no reason given'}",
                remedy="Mend what Ironic complains of; the same command tries again.",
            )
        return self._confirm(server, image)

    def _confirm(self, server: Server, image: Image) -> DeployResult:
        """Wait until the host answers SSH, and compare who it is."""
        told = self._answered(server)
        facts = compare_identity(server, image, told)
        wrong = differing(facts)
        said = "; ".join(f"{one.fact} is {one.found}, not {one.declared}" for one in wrong)
        return DeployResult(
            server=server.name,
            outcome=DeployOutcome.FAILED if wrong else DeployOutcome.DONE,
            state=f"active, its host answers, but {said}" if wrong else "active, its host answers",
            remedy="Find out what runs there; --again writes it anew." if wrong else "",
            facts=facts,
        )

    def _answered(self, server: Server) -> HostIdentity:
        clock = self.ports.clock
        begun = clock.now()
        while True:
            try:
                return identity_of(server, self.ports.hosts)
            except HostError as error:
                waited = (clock.now() - begun).total_seconds()
                if error.fault in NO_PATIENCE or waited > self._patience(error.fault):
                    raise HostError(
                        f"Ironic has it as active, but after {waited:.0f} s: {error.message}",
                        fault=error.fault,
                        remedy=error.remedy
                        or "Look at its console. The same command waits again; --again writes it "
                        "anew.",
                    ) from error
                clock.sleep(RETRY_SECONDS)

    def _patience(self, fault: HostFault) -> float:
        longest = self.limits.answer_seconds
        return min(LOGIN_SECONDS, longest) if fault is HostFault.LOGIN_REFUSED else longest


def _left(step: DeployStep) -> DeployResult:
    """Return the result of a server that nothing was done to."""
    if step.act.is_work:
        state = f"as before: {step.node.state if step.node else 'unknown'}"
        return DeployResult(server=step.server, outcome=DeployOutcome.NOT_STARTED, state=state)
    refused = step.act is DeployAct.REFUSED
    outcome = DeployOutcome.REFUSED if refused else DeployOutcome.AS_DECLARED
    return DeployResult(
        server=step.server, outcome=outcome, state=step.reason or "active, its host answers"
    )
