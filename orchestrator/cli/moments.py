"""Moments on the command line: RFC 3339 with an offset; a time without one is anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import click


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment that somebody named."""

    at: datetime | None
    """None: the newest there is."""


class MomentType(click.ParamType[Moment]):
    """Reads `2026-11-22T09:30:00+08:00`, or `newest`."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        """Return the moment; a time without an offset is refused."""
        if isinstance(value, Moment):
            return value
        text = str(value)
        if text == "newest":
            return Moment(None)
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            self.fail(
                f"`{text}` is not like 2026-11-22T09:30:00+08:00, with an offset, nor `newest`.",
                param,
                ctx,
            )
        return Moment(at)


MOMENT = MomentType()
