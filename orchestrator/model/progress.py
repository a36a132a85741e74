"""What long work tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.stack import Action, StackName


@dataclass(frozen=True, kw_only=True, slots=True)
class StackStarted:
    """A stack's update begins; `changes` is how many resources the plan says will change."""

    stack: StackName
    changes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceFinished:
    """One resource is done; `error` says why it is not."""

    stack: StackName
    kind: str
    name: str
    action: Action
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StackFinished:
    """A stack's update ended."""

    stack: StackName
    failed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """A line for the log: what is being done now."""

    text: str


ProgressEvent = StackStarted | ResourceFinished | StackFinished | Noted
