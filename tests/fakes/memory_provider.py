"""A provider whose cloud is one JSON file: it outlives the process, and can be looked into.

It refuses impossible worlds: two objects of one kind and name, or the deletion of an object that
another one still refers to.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import (
    UNKNOWN,
    Diff,
    Fault,
    Kind,
    Made,
    Observed,
    PartlyMadeError,
    Properties,
)

THING = "govcloud:memory:Thing"
"""Holds data; its zone cannot change; deleted before it is replaced."""
CACHE = "govcloud:memory:Cache"
"""Holds nothing; its replacement is made before it is deleted."""
LOGIN = "govcloud:memory:Login"
"""Gives out a password that nobody may read in the state."""

KINDS = {
    kind.token: kind
    for kind in (
        Kind(token=THING, holds=True, replace_on=frozenset({"zone", "owner"})),
        Kind(
            token=CACHE,
            holds=False,
            replace_on=frozenset({"zone"}),
            delete_before_replace=False,
        ),
        Kind(token=LOGIN, holds=False, secret_outputs=frozenset({"password"})),
    )
}
PASSWORD = "canary-7f3a-password"


def _do_nothing(moment: str) -> None:
    """Let every moment pass."""


class MemoryProvider:
    """The fake. `at` is called before and after every act, so that a test can end the process."""

    version = "1"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, file: Path, *, at: Callable[[str], None] = _do_nothing) -> None:
        self._file = file
        self._at = at
        self._lock = threading.Lock()
        self.delay = 0.0
        self.running = 0
        self.most_running = 0

    # -- what tests look at and change ------------------------------------------------------

    @property
    def objects(self) -> dict[str, dict[str, Json]]:
        """Every object's inputs, by name."""
        return {o["inputs"]["name"]: o["inputs"] for o in self._read()["objects"].values()}

    def ids(self) -> dict[str, str]:
        return {o["inputs"]["name"]: key for key, o in self._read()["objects"].items()}

    @property
    def log(self) -> list[str]:
        """Every act that changed something, `create web`."""
        return self._read()["log"]

    def forget_log(self) -> None:
        with self._lock:
            self._write({**self._read(), "log": []})

    def break_down(self, name: str, act: str) -> None:
        """Let an act on one object fail: create, update, delete or partly."""
        with self._lock:
            world = self._read()
            world["faults"][name] = act
            self._write(world)

    def mend(self) -> None:
        with self._lock:
            self._write({**self._read(), "faults": {}})

    def lose(self, name: str) -> None:
        """Delete an object behind everybody's back."""
        with self._lock:
            world = self._read()
            del world["objects"][self._find(world, name)]
            self._write(world)

    def tamper(self, name: str, attribute: str, value: Json) -> None:
        """Change an object behind everybody's back."""
        with self._lock:
            world = self._read()
            world["objects"][self._find(world, name)]["inputs"][attribute] = value
            self._write(world)

    # -- the port ---------------------------------------------------------------------------

    def check(self, kind: str, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        size = inputs.get("size", 1)
        faults = ()
        if isinstance(size, int) and size < 0:
            faults = (Fault(attribute="size", reason="must not be negative"),)
        return {"size": 1, **inputs}, faults

    def diff(self, kind: str, old: Properties, new: Properties) -> Diff:
        changes = tuple(
            key
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key) or new.get(key) == UNKNOWN
        )
        replaces = tuple(key for key in changes if key in self.kinds[kind].replace_on)
        return Diff(changes=changes, replaces=replaces)

    def create(self, kind: str, inputs: Properties) -> Made:
        name = str(inputs["name"])
        with self._act("create", name), self._lock:
            world = self._read()
            found = self._same(world, kind, inputs)
            if found is None:
                world["made"] += 1
                found = f"id-{world['made']}"
                outputs = {**inputs, "address": f"10.0.0.{world['made']}", "generation": 1}
                if kind == LOGIN:
                    outputs["password"] = PASSWORD
                world["objects"][found] = {
                    "kind": kind,
                    "inputs": dict(inputs),
                    "outputs": outputs,
                }
                world["log"].append(f"create {name}")
                self._write(world)
            made = Made(id=found, outputs=world["objects"][found]["outputs"])
        if world["faults"].get(name) == "partly":
            raise PartlyMadeError(made, ("it did not become ready",))
        return made

    def read(self, kind: str, resource_id: str, inputs: Properties) -> Observed | None:
        found = self._read()["objects"].get(resource_id)
        return None if found is None else Observed(id=resource_id, properties=found["inputs"])

    def update(self, kind: str, made: Made, *, old: Properties, new: Properties) -> Properties:
        name = str(new["name"])
        with self._act("update", name), self._lock:
            world = self._read()
            found = world["objects"].get(made.id)
            if found is None:
                raise CloudError(f"{name} does not exist")
            found["inputs"] = dict(new)
            generation = found["outputs"]["generation"] + 1
            found["outputs"] = {**found["outputs"], **new, "generation": generation}
            world["log"].append(f"update {name}")
            self._write(world)
        if world["faults"].get(name) == "partly":
            raise PartlyMadeError(Made(id=made.id, outputs=found["outputs"]), ("not ready yet",))
        return found["outputs"]

    def delete(self, kind: str, made: Made, inputs: Properties) -> None:
        name = str(inputs["name"])
        with self._act("delete", name), self._lock:
            world = self._read()
            if made.id not in world["objects"]:
                return
            users = [
                o["inputs"]["name"]
                for o in world["objects"].values()
                if made.id in (o["inputs"].get("owner"), o["inputs"].get("peer"))
            ]
            if users:
                raise CloudError(f"{name} is in use by {users}")
            del world["objects"][made.id]
            world["log"].append(f"delete {name}")
            self._write(world)

    def list(self, kind: str, ids: Collection[str]) -> Mapping[str, Observed]:
        objects = self._read()["objects"]
        return {key: Observed(id=key, properties=objects[key]["inputs"]) for key in ids & objects}

    # -- inside -----------------------------------------------------------------------------

    def _act(self, act: str, name: str) -> _Act:
        return _Act(self, act, name)

    def _same(self, world: dict, kind: str, inputs: Properties) -> str | None:
        fixed = self.kinds[kind].replace_on | {"name"}
        for key, o in world["objects"].items():
            if o["kind"] == kind and all(o["inputs"].get(a) == inputs.get(a) for a in fixed):
                return key
            if o["kind"] == kind and kind != CACHE and o["inputs"]["name"] == inputs["name"]:
                raise CloudError(f"there is a {inputs['name']} already, and it is another one")
        return None

    def _find(self, world: dict, name: str) -> str:
        return next(key for key, o in world["objects"].items() if o["inputs"]["name"] == name)

    def _read(self) -> dict:
        if not self._file.exists():
            return {"objects": {}, "made": 0, "log": [], "faults": {}}
        return json.loads(self._file.read_text())

    def _write(self, world: dict) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(world))
        draft.replace(self._file)


class _Act:
    """One act: its moments before and after, its fault, and how many are in flight."""

    def __init__(self, provider: MemoryProvider, act: str, name: str) -> None:
        self._provider, self._act, self._name = provider, act, name

    def __enter__(self) -> None:
        provider = self._provider
        provider._at(f"before {self._act} {self._name}")
        with provider._lock:
            provider.running += 1
            provider.most_running = max(provider.most_running, provider.running)
        time.sleep(provider.delay)
        if provider._read()["faults"].get(self._name) == self._act:
            self._leave()
            raise CloudError(f"{self._act} of {self._name} was refused on purpose")

    def __exit__(self, *failure: object) -> None:
        self._leave()
        if failure == (None, None, None):
            self._provider._at(f"after {self._act} {self._name}")

    def _leave(self) -> None:
        with self._provider._lock:
            self._provider.running -= 1
