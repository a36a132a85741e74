"""Talk to the supervisor of a lab's hosts: one line of JSON each way on a Unix socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import LabError

ANSWER_SECONDS = 60.0


def ask(path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the supervisor's answer.

    Raises:
        LabError: it does not answer, or refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_SECONDS)
            line.connect(str(path))
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as told:
                answer = json.loads(told.readline())
    except (OSError, ValueError) as error:
        raise LabError(
            f"the supervisor of the lab's hosts does not answer: {error}",
            remedy="Run: orchestrator lab up",
        ) from error
    if "error" in answer:
        raise LabError(f"the supervisor of the lab's hosts says: {answer['error']}")
    return dict(answer)
