"""Judge a restore drill: what was found in the restored data against what was recorded with it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from orchestrator.model.backup import BackupPolicy, Facts
from orchestrator.model.drill import (
    Assertion,
    Drill,
    DrillStep,
    Evidence,
    Isolation,
    Login,
    StepFault,
)
from orchestrator.model.verdict import Verdict
from orchestrator.planning.drill_assertions import failed, unseen
from orchestrator.planning.drill_data import compared
from orchestrator.planning.spans import span

WITH_VAULT, ON_HOST = "logs in with what is in the vault", "is used on the host"
LARGEST_CLOCK_OFFSET_SECONDS = 300.0
"""Beyond it certificates and logins fail in ways that look like something else."""


def judge(site: str, evidence: Evidence, policy: BackupPolicy) -> Drill:
    """Return the drill with a verdict on each assertion, its RPO and its RTO.

    RPO: from the newest sentinel in the restored data to the declared loss; of files, from the
    moment that their copy was taken. RTO: from the declared loss to the last assertion, where all
    of them hold.
    """
    about_data = tuple(_about_data(evidence))
    rpo = _rpo_seconds(evidence)
    holds = bool(about_data) and all(one.verdict is Verdict.PASS for one in about_data)
    rto = (evidence.ended_at - evidence.lost_at).total_seconds() if holds else None
    return Drill(
        site=site,
        evidence=evidence,
        policy=policy,
        assertions=(
            *about_data,
            _rpo(rpo, policy),
            _rto(rto, policy),
            _torn_down(evidence.faults),
        ),
        rpo_seconds=rpo,
        rto_seconds=rto,
    )


def _about_data(evidence: Evidence) -> Iterator[Assertion]:
    yield _copy(evidence)
    yield _isolation(evidence)
    yield _clock(evidence.clock_offset_seconds)
    yield _restore(evidence)
    if evidence.manifest is None:
        return
    yield from compared(evidence.manifest.facts, _found(evidence), evidence)
    yield from _logins(evidence)


def _copy(evidence: Evidence) -> Assertion:
    wanted = f"a whole copy in {evidence.repository}"
    fault = _fault_in(evidence, DrillStep.FIND)
    if fault:
        return failed("copy", wanted, fault)
    if evidence.copy is None or evidence.manifest is None:
        return unseen("copy", wanted)
    found = f"{evidence.copy.run}, taken {evidence.copy.taken_at.isoformat(timespec='seconds')}"
    return Assertion(what="copy", wanted=wanted, found=found, verdict=Verdict.PASS)


def _isolation(evidence: Evidence) -> Assertion:
    what, wanted = "isolation", f"{evidence.host} reaches nobody but the repository"
    fault = _fault_in(evidence, DrillStep.CLEAR, DrillStep.ISOLATE)
    if fault:
        return failed(what, wanted, fault)
    seen = evidence.isolation
    if seen is None:
        return unseen(what, wanted)
    if seen.reached:
        found = f"it reached {', '.join(seen.reached)}"
        return Assertion(what=what, wanted=wanted, found=found, verdict=Verdict.FAIL)
    return Assertion(what=what, wanted=wanted, found=_stopped(seen), verdict=_proof(seen))


def _stopped(seen: Isolation) -> str:
    tried = ", ".join(f"{target.host}:{target.port}" for target in seen.targets)
    return f"{tried or 'nobody'} tried, none reached, {seen.dropped or 0} packets dropped"


def _proof(seen: Isolation) -> Verdict:
    """Say whether silence proves anything: only where our own firewall dropped the attempts."""
    return Verdict.PASS if seen.targets and seen.dropped else Verdict.UNKNOWN


def _clock(offset_seconds: float | None) -> Assertion:
    what, wanted = "clock", f"within {LARGEST_CLOCK_OFFSET_SECONDS:.0f} s of this machine's"
    if offset_seconds is None:
        return unseen(what, wanted)
    near = abs(offset_seconds) <= LARGEST_CLOCK_OFFSET_SECONDS
    found = f"{offset_seconds:+.1f} s"
    verdict = Verdict.PASS if near else Verdict.FAIL
    return Assertion(what=what, wanted=wanted, found=found, verdict=verdict)


def _restore(evidence: Evidence) -> Assertion:
    fault = _fault_in(evidence, DrillStep.RESTORE)
    starts = ", and the service starts" if evidence.subject.of_database else ""
    wanted = f"the copy's data is brought back{starts}"
    if fault:
        return failed("restore", wanted, fault)
    if not evidence.restored:
        return unseen("restore", wanted)
    seconds = sum(one.seconds for one in evidence.steps if one.step is DrillStep.RESTORE)
    return Assertion(
        what="restore",
        wanted=wanted,
        found=f"restored in {seconds:.1f} s",
        verdict=Verdict.PASS,
    )


def _found(evidence: Evidence) -> Facts | StepFault | None:
    return evidence.found or _fault_in(evidence, DrillStep.COUNT)


def _logins(evidence: Evidence) -> Iterator[Assertion]:
    if evidence.subject.cluster is None:
        return
    fault = _fault_in(evidence, DrillStep.LOG_IN)
    if fault:
        yield failed("logins", "each role can use the service", fault)
    elif evidence.logins is None:
        yield unseen("logins", "each role can use the service")
    else:
        yield from map(_login, evidence.logins)
        tried = {login.role for login in evidence.logins}
        recorded = evidence.manifest.facts.roles if evidence.manifest else ()
        for role in recorded:
            if role in evidence.without_login:
                yield unseen(f"login {role}", WITH_VAULT, "the vault has no login of it")
            elif role not in tried:
                yield unseen(f"login {role}", ON_HOST, "nobody tried")


def _login(login: Login) -> Assertion:
    wanted = WITH_VAULT if login.way == "password" else ON_HOST
    tls = f", {login.tls}" if login.tls else ""
    return Assertion(
        what=f"login {login.role}",
        wanted=wanted,
        found=login.fault or f"done ({login.way}{tls})",
        verdict=Verdict.FAIL if login.fault else Verdict.PASS,
        broken=(f"role {login.role}",) if login.fault else (),
    )


def _rpo_seconds(evidence: Evidence) -> float | None:
    newest = None
    if evidence.found is not None and evidence.found.sentinel is not None:
        newest = evidence.found.sentinel.written_at
    elif not evidence.subject.of_database and evidence.restored and evidence.copy:
        newest = evidence.copy.taken_at
    return (evidence.lost_at - newest).total_seconds() if newest else None


def _rpo(seconds: float | None, policy: BackupPolicy) -> Assertion:
    wanted = f"at most {span(policy.rpo_minutes * 60)} lost"
    if seconds is None:
        return unseen("RPO", wanted, "no sentinel was read from restored data")
    kept = 0 <= seconds <= policy.rpo_minutes * 60
    future = "" if seconds >= 0 else ": its sentinel is of the future, a clock was wrong"
    found = f"{span(seconds)} lost{future}"
    return Assertion(
        what="RPO", wanted=wanted, found=found, verdict=Verdict.PASS if kept else Verdict.FAIL
    )


def _rto(seconds: float | None, policy: BackupPolicy) -> Assertion:
    wanted = f"all assertions hold within {span(policy.rto_minutes * 60)}"
    if seconds is None:
        return unseen("RTO", wanted, "never: not all assertions hold")
    kept = seconds <= policy.rto_minutes * 60
    verdict = Verdict.PASS if kept else Verdict.FAIL
    return Assertion(what="RTO", wanted=wanted, found=span(seconds), verdict=verdict)


def _torn_down(faults: tuple[StepFault, ...]) -> Assertion:
    wanted = "nothing is left on the host"
    left = [fault for fault in faults if fault.step is DrillStep.TEAR_DOWN]
    if not left:
        return Assertion(
            what="tear-down", wanted=wanted, found="nothing is left", verdict=Verdict.PASS
        )
    return Assertion(
        what="tear-down",
        wanted=wanted,
        found="; ".join(fault.message for fault in left) + "; the next drill there tries again",
        verdict=Verdict.FAIL,
        broken=tuple(chain.from_iterable(fault.broken for fault in left)),
    )


def _fault_in(evidence: Evidence, *steps: DrillStep) -> StepFault | None:
    return next((fault for fault in evidence.faults if fault.step in steps), None)
