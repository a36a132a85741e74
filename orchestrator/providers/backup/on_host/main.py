"""One act: a request in, an answer out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

from . import (
    archived,
    aside,
    backlog,
    continuous,
    copying,
    databases,
    keeping,
    mariadb_state,
    reading,
    streaming,
    trial,
)
from .ground import ActError, Answer, end_by

ACTS: Mapping[str, Callable[[Answer], Answer]] = {
    "back-up": copying.back_up,
    "holding": copying.holding,
    "restore": copying.restore,
    "facts": copying.facts,
    "remove": copying.remove,
    "role": copying.role,
    "back-up-databases": databases.back_up,
    "holding-databases": databases.holding,
    "restore-databases": databases.restore,
    "facts-databases": databases.facts,
    "remove-databases": databases.remove,
    "role-databases": mariadb_state.role,
    "prepare": keeping.prepare,
    "copies": keeping.copies,
    "manifest": keeping.manifest,
    "verify": reading.verify,
    "prune": keeping.prune,
    "space": keeping.space,
    "try-to-delete": trial.try_to_delete,
    "end-trial": trial.end_trial,
    "advance": continuous.advance,
    "archive-act": continuous.archive_act,
    "archive-restore": continuous.restore,
    "backlog": backlog.backlog,
    "cut-off": aside.cut_off,
    "archives": archived.archives,
    "verify-archive": archived.verify_archive,
    "expire-archive": archived.expire_archive,
    "keep-site": keeping.keep_site,
    "site": keeping.site,
    "keep-stream": streaming.keep_stream,
    "fetch-stream": streaming.fetch_stream,
}


def main() -> None:
    """Do what the request in the standard input's first line asks for; data may follow it."""
    request = json.loads(sys.stdin.buffer.readline())
    try:
        end_by(float(request["within"]))
        answer: Answer = {"answer": ACTS[request["act"]](request)}
    except ActError as fault:
        told = {"kind": fault.kind, "message": fault.message, "broken": fault.broken}
        answer = {"fault": told}
    sys.stdout.write(json.dumps(answer) + "\n")
