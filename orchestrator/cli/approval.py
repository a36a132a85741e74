"""A person's yes, before anything is done."""

from __future__ import annotations

import click

from orchestrator.cli.desk import Desk
from orchestrator.errors import RefusedError


def approve(
    desk: Desk,
    question: str,
    *,
    otherwise: str = "nothing was changed",
    remedy: str = "Give --yes where nobody can answer.",
) -> None:
    """Ask for a yes; `otherwise` says how things are without it.

    Raises:
        RefusedError: the answer is no, or nobody is there to give one.
    """
    if not desk.wiring.can_ask():
        raise RefusedError(f"there is no terminal to ask at: {otherwise}", remedy=remedy)
    if not click.confirm(question, err=True):
        raise RefusedError(otherwise)
