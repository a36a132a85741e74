"""Ironic's state machine, from a node that was just enrolled to one that can be deployed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.errors import CloudError
from orchestrator.providers.openstack.refusals import ConflictError
from orchestrator.providers.openstack.rest import Rest

READY = frozenset(
    {
        "available",
        "active",
        "deploying",
        "wait call-back",
        "deploy hold",
        "deleting",
        "rescue",
        "rescuing",
        "rescue wait",
        "unrescuing",
        "servicing",
        "service wait",
        "service hold",
    }
)
"""States of a node that is available, or is in somebody's use."""

FAILED = frozenset({"inspect failed", "clean failed", "adopt failed", "error"})

# What to ask for in a state that Ironic rests in. A failed state is asked to try again once.
_NEXT = {
    "enroll": "manage",
    "inspect failed": "manage",
    "clean failed": "manage",
    "adopt failed": "manage",
}

POLL_SECONDS = 1.0
LONGEST_POLL_SECONDS = 4.0
"""States are read again after as long as the last reading took, within these two."""
PAUSE_SECONDS = 0.1
READY_WITHIN_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeState:
    """Where a node is."""

    state: str
    inspected: bool


class NodeWatch:
    """The states of all nodes, read with one list every few seconds for all threads that wait."""

    def __init__(self, rest: Rest) -> None:
        """Read nothing yet."""
        self._rest = rest
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._next_at = float("-inf")
        self._states: dict[str, NodeState] = {}

    def state(self, uuid: str, *, since: float) -> NodeState | None:
        """Return the node's state as read after `since` (monotonic time); None: wait a little."""
        with self._lock:
            if self._read_at < since and time.monotonic() >= self._next_at:
                started = time.monotonic()
                self._states = self._read()
                ended = time.monotonic()
                self._read_at = started
                # Most of the time is not Ironic's work but waiting behind other requests.
                pause = min(max(POLL_SECONDS, ended - started), LONGEST_POLL_SECONDS)
                self._next_at = ended + pause
            if self._read_at < since:
                return None
            found = self._states.get(uuid)
        if found is None:
            raise CloudError(f"the node {uuid} has gone from Ironic while it was waited for")
        return found

    def _read(self) -> dict[str, NodeState]:
        # Without `last_error`, for which Ironic judges a policy node by node: it would make the
        # list of a city three times as long to answer.
        fields = "uuid,provision_state,inspection_finished_at"
        return {
            row["uuid"]: NodeState(
                state=row["provision_state"],
                inspected=row["inspection_finished_at"] is not None,
            )
            for row in self._rest.pages("/nodes", "nodes", fields=fields)
        }


class NodeInWork:
    """One node on its way to `available`, from whatever state a former run left it in."""

    def __init__(self, rest: Rest, watch: NodeWatch, uuid: str) -> None:
        """Take the node by its uuid."""
        self._rest = rest
        self._watch = watch
        self._uuid = uuid
        self._deadline = time.monotonic() + READY_WITHIN_SECONDS

    def make_available(self, *, inspected: Callable[[], None]) -> None:
        """Manage, inspect and provide the node as far as it still needs it.

        `inspected` is called before the node is provided: inspection changes ports.
        Raises CloudError with Ironic's own words where a step fails or time runs out.
        """
        asked: list[str] = []
        since = time.monotonic()
        while (node := self._settled(since)).state not in READY:
            verb = self._verb(node, asked)
            if verb == "provide":
                inspected()
            if self._ask(verb):
                asked.append(verb)
            since = time.monotonic()  # a list begun before the answer may still tell the old state

    def take_back(self) -> None:
        """Take an available node out of the scheduler's reach, to be provided again."""
        while self._settled(time.monotonic()).state == "available":
            self._ask("manage")

    def patiently(self, act: Callable[[], None]) -> None:
        """Do something that Ironic refuses while it has the node locked."""
        while True:
            try:
                act()
            except ConflictError:
                if time.monotonic() > self._deadline:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return

    def _verb(self, node: NodeState, asked: list[str]) -> str:
        if node.state == "manageable":
            verb = "provide" if node.inspected else "inspect"
        else:
            verb = _NEXT.get(node.state, "")
        if not verb or verb in asked:
            reason = self._rest.get(f"/nodes/{self._uuid}", fields="last_error")["last_error"]
            raise CloudError(
                f"Ironic left the node in state {node.state}: {reason or 'no reason given'}",
                remedy="Mend what Ironic complains of, then apply again: it goes on from there.",
            )
        return verb

    def _settled(self, since: float) -> NodeState:
        """Return the node's state once Ironic rests in it."""
        while True:
            node = self._watch.state(self._uuid, since=since)
            if node is not None and _rests(node.state):
                return node
            if node is not None:
                since = time.monotonic()  # what was read is used up: only a newer reading helps
            if time.monotonic() > self._deadline:
                raise CloudError(
                    f"the node is not available after {READY_WITHIN_SECONDS:.0f} s; it is "
                    f"{node.state if node else 'not listed'}",
                    remedy="Look at the BMC and at Ironic's log, then apply again.",
                )
            time.sleep(PAUSE_SECONDS)

    def _ask(self, verb: str) -> bool:
        """Ask for a step; False where the node is locked at this moment.

        Raises ConflictError where it is locked for too long: its lock may never be given back.
        """
        try:
            self._rest.put(f"/nodes/{self._uuid}/states/provision", {"target": verb})
        except ConflictError:
            if time.monotonic() > self._deadline:
                raise
            return False
        return True


def _rests(state: str) -> bool:
    """Say whether Ironic stays in a state until it is asked."""
    return state in READY or state in FAILED or state in {"enroll", "manageable"}
