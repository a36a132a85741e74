"""How what a restore makes beside the original is told from it."""

from __future__ import annotations

ELSEWHERE = "restored"
"""Ends its name, where nobody gives it another one."""
PORT_DISTANCE = 10_000
"""Between the ports of the two, of databases: none is declared up there."""
