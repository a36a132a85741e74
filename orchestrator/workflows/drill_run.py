"""One restore drill at work: each step, its faults, and the tear-down whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Any

from orchestrator.errors import BackupError, HostError, OrchestratorError
from orchestrator.model.backup import PARTS, BackupFault, Cluster, Copy, Manifest, Subject
from orchestrator.model.drill import (
    DrillStep,
    DrillWork,
    Evidence,
    Isolation,
    StepFault,
    Timed,
)
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Secret, SecretRef
from orchestrator.planning.backup import not_of_the_future, subjects_of
from orchestrator.planning.drill_choice import drill_place, left_places
from orchestrator.ports import AuditLog, Clock, SecretStore, SiteLock
from orchestrator.ports.backup import BackupEngine, Store
from orchestrator.ports.drill import DrillGround, DrillRecords
from orchestrator.ports.signing import Signer

LONGEST_SECONDS = 6 * 3600.0
"""More than the bounds of all steps together: then a host that nobody clears takes itself back."""
EXPLAINED = (BackupFault.BROKEN, BackupFault.FAILED, BackupFault.ABSENT)
"""Where the engine did not name what is broken, the repository is read for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillPorts:
    """Everything that drills need from outside; `cli.wiring` fills it."""

    engine: BackupEngine
    ground: DrillGround
    records: DrillRecords
    secrets: SecretStore
    signer: Signer
    clock: Clock
    audit: AuditLog
    lock: SiteLock
    """Of drills alone: nothing else waits for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillWatch:
    """Whoever watches."""

    ended: Callable[[str, Timed, StepFault | None], None]
    tearing_down: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered while the host is cleared: an interrupt has to wait."""
    stopped: Event = field(default_factory=Event)
    """Set by whoever wants no further drill to begin."""


class StepStoppedError(Exception):
    """A step failed, which is recorded: the drill has nothing more to do but to tear down."""


class DrillRun:
    """One drill at work; what it sees is collected, and nothing of it is judged here."""

    def __init__(
        self, site: Site, work: DrillWork, ports: DrillPorts, *, watch: DrillWatch
    ) -> None:
        """Begin with nothing seen."""
        servers = {server.name: server for server in site.hardware.servers}
        self._site, self._work, self._ports, self._watch = site, work, ports, watch
        self._server: Server = servers[work.host]
        self._store: Store = ports.engine.stores[work.repository]
        self._place = drill_place(work)
        self._subjects: tuple[Subject, ...] = (*subjects_of(site), work.subject)
        self._touched = False
        """The host may have something of this drill."""
        now = ports.clock.now()
        self._seen = Evidence(
            subject=work.subject,
            repository=work.repository,
            host=work.host,
            lost_at=now,
            ended_at=now,
        )

    def evidence(self) -> Evidence:
        """Do every step until one fails, tear down whatever happens, and return what was seen."""
        try:
            try:
                self._prove()
            except StepStoppedError:
                pass  # its fault is in the evidence
            self._saw(ended_at=self._ports.clock.now())
        finally:
            self._tear_down()
        return self._seen

    def _saw(self, **seen: Any) -> None:  # noqa: ANN401 - fields of Evidence
        self._seen = replace(self._seen, **seen)

    def _prove(self) -> None:
        with self._step(DrillStep.FIND):
            copy, manifest = self._newest()
            self._saw(copy=copy, manifest=manifest)
        self._touched = True
        with self._step(DrillStep.CLEAR):
            self._clear()
        with self._step(DrillStep.ISOLATE):
            isolation = self._isolate()
        if isolation.reached:
            return  # data must not come to a host that can speak with production
        with self._step(DrillStep.RESTORE):
            self._ports.engine.restores.restore(
                copy, store=self._store, place=self._place, server=self._server
            )
            self._saw(restored=True)
        with self._step(DrillStep.COUNT):
            restores = self._ports.engine.restores
            found = restores.facts(self._place, server=self._server, like=manifest.facts)
            self._saw(found=found)
        if self._place.cluster is not None:
            with self._step(DrillStep.LOG_IN):
                self._log_in(manifest, self._place.cluster)

    def _newest(self) -> tuple[Copy, Manifest]:
        archive, name = self._ports.engine.archive, self._work.subject.name
        listing = archive.copies([name], store=self._store)
        copies = [copy for copy in listing.copies if copy.subject == name]
        whole = [copy for copy in copies if copy.whole]
        damaged = listing.damaged.get(name, ())
        if damaged:
            # What is damaged may be the newest copy: another one would prove too little.
            raise BackupError(
                f"{self._store.repository.name} has files of {name} that cannot be read",
                fault=BackupFault.BROKEN,
                broken=damaged,
                remedy="orchestrator backup verify reads all of it.",
            )
        if not whole:
            raise BackupError(
                f"{self._store.repository.name} has no whole copy of {name}",
                fault=BackupFault.ABSENT,
                broken=tuple(f"{name} of run {copy.run}: cut off" for copy in copies),
                remedy="orchestrator backup run makes one.",
            )
        # As a restore chooses.
        dated = not_of_the_future(whole, now=self._seen.lost_at) or whole
        newest = max(dated, key=lambda copy: copy.taken_at)
        return newest, archive.manifest(newest, store=self._store)

    def _clear(self) -> None:
        """Remove what a killed drill left, whatever its subject was."""
        self._ports.ground.quiet(self._server)
        for place in left_places(self._work.host, self._subjects):
            self._ports.engine.restores.remove(place, server=self._server)
        self._ports.ground.release(self._server)

    def _isolate(self) -> Isolation:
        ground, targets = self._ports.ground, self._work.production
        address = self._store.server.address
        if address is None:
            raise BackupError(
                f"{self._store.server.name} declares no address", fault=BackupFault.ABSENT
            )
        ground.isolate(
            self._server, repository=address, targets=targets, release_after=LONGEST_SECONDS
        )
        before = self._ports.clock.now().timestamp()
        isolation = ground.prove(self._server, targets=targets)
        after = self._ports.clock.now().timestamp()
        self._saw(isolation=isolation)
        if isolation.clock_seconds is not None:
            # It was told somewhere in between.
            early, late = isolation.clock_seconds - before, isolation.clock_seconds - after
            self._saw(clock_offset_seconds=0.0 if late <= 0 <= early else min(early, late, key=abs))
        return isolation

    def _log_in(self, manifest: Manifest, cluster: Cluster) -> None:
        """Use the service as each role of the copy.

        A role that the site declares is used with its logins in the vault or not at all: used on
        the host itself it would prove nothing of them. One that it has declared since is not in the
        copy, and nothing is wrong with that.
        """
        logins = {role: self._logins(role) for role in manifest.facts.roles}
        without = [role for role in self._work.logins if not logins.get(role, ("none",))]
        self._saw(without_login=tuple(without))
        tried = {role: given for role, given in logins.items() if role not in without}
        used = self._ports.ground.log_in(self._server, cluster=cluster, logins=tried)
        self._saw(logins=used)

    def _logins(self, role: str) -> tuple[Secret, ...]:
        """Return a role's logins in the vault, the newest first; one that was retired is none."""
        secrets = self._ports.secrets
        known = secrets.names()
        refs = [SecretRef(ref) for ref in self._work.logins.get(role, ()) if ref in known]
        found = [secrets.get(ref) for ref in refs]
        return tuple(one for one in found if one.reveal().partition(":")[2])

    def _tear_down(self) -> None:
        if not self._touched:
            return
        try:
            with self._watch.tearing_down(), self._step(DrillStep.TEAR_DOWN):
                self._ports.ground.quiet(self._server)
                if self._work.subject.of_database:
                    self._ports.engine.restores.remove(self._place, server=self._server)
                # Last: what could not be removed stays cut off.
                self._ports.ground.release(self._server)
        except StepStoppedError:
            pass  # its fault is in the evidence

    @contextmanager
    def _step(self, step: DrillStep) -> Iterator[None]:
        name = self._work.subject.name
        begun = self._ports.clock.now()
        fault: StepFault | None = None
        try:
            yield
        except OrchestratorError as error:
            fault = self._fault(step, error)
        timed = Timed(step=step, seconds=_since(begun, self._ports.clock.now()))
        self._saw(steps=(*self._seen.steps, timed))
        self._watch.ended(name, timed, fault)
        if fault is not None:
            self._saw(faults=(*self._seen.faults, fault))
            raise StepStoppedError

    def _fault(self, step: DrillStep, error: OrchestratorError) -> StepFault:
        kind = error.fault.value if isinstance(error, BackupError | HostError) else "error"
        broken = error.broken if isinstance(error, BackupError) else ()
        if not broken and isinstance(error, BackupError):
            broken = self._named(step, error)
        return StepFault(step=step, kind=kind, message=error.message, broken=broken)

    def _named(self, step: DrillStep, error: BackupError) -> tuple[str, ...]:
        """Name what is to blame, where whoever failed could not."""
        if error.fault is BackupFault.WRONG_KEY:
            return (str(self._store.repository.key),)
        if step not in {DrillStep.FIND, DrillStep.RESTORE} or error.fault not in EXPLAINED:
            return ()
        try:
            verified = self._ports.engine.archive.verify(
                self._work.subject.name, store=self._store, parts=range(PARTS)
            )
        except BackupError as another:
            return another.broken
        return verified.broken or ((verified.complaint,) if verified.complaint else ())


def _since(begun: datetime, now: datetime) -> float:
    return (now - begun).total_seconds()
