"""How assertions of drills are made that failed, were not seen, or compare two texts."""

from __future__ import annotations

from orchestrator.model.drill import Assertion, StepFault
from orchestrator.model.verdict import Verdict

MOST_NAMES = 20
"""Of broken files; the count tells of the rest."""
NOT_SEEN = "not seen: the drill did not get there"


def failed(what: str, wanted: str, fault: StepFault) -> Assertion:
    """Return the assertion that a step's fault refutes."""
    return Assertion(
        what=what,
        wanted=wanted,
        found=f"{fault.kind}: {fault.message}",
        verdict=Verdict.FAIL,
        broken=fault.broken[:MOST_NAMES],
    )


def unseen(what: str, wanted: str, why: str = NOT_SEEN) -> Assertion:
    """Return an assertion that nothing was seen of."""
    return Assertion(what=what, wanted=wanted, found=why, verdict=Verdict.UNKNOWN)


def same(what: str, wanted: str, found: str) -> Assertion:
    """Return the assertion that two texts are the same."""
    same = wanted == found
    return Assertion(
        what=what,
        wanted=wanted,
        found=found,
        verdict=Verdict.PASS if same else Verdict.FAIL,
        broken=() if same else (what,),
    )
