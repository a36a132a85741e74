"""One act: a request in, an answer out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

from . import copying, keeping
from .ground import ActError, Answer, end_by

ACTS: Mapping[str, Callable[[Answer], Answer]] = {
    "back-up": copying.back_up,
    "delete": copying.delete,
    "holding": copying.holding,
    "restore": copying.restore,
    "facts": copying.facts,
    "remove": copying.remove,
    "role": copying.role,
    "prepare": keeping.prepare,
    "copies": keeping.copies,
    "manifest": keeping.manifest,
    "verify": keeping.verify,
    "prune": keeping.prune,
    "space": keeping.space,
    "there": keeping.there,
    "keep-site": keeping.keep_site,
    "site": keeping.site,
}


def main() -> None:
    """Do what the request on the standard input asks for."""
    request = json.load(sys.stdin)
    try:
        end_by(float(request["within"]))
        answer: Answer = {"answer": ACTS[request["act"]](request)}
    except ActError as fault:
        told = {"kind": fault.kind, "message": fault.message, "broken": fault.broken}
        answer = {"fault": told}
    sys.stdout.write(json.dumps(answer) + "\n")
