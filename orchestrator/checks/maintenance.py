"""Checks of when work may disturb: freezes that freeze something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, error
from orchestrator.model.system import Freeze

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")


@error("SW030", "A freeze makes no sense", remedy="Correct its times, or its regions.")
def freezes_make_sense(index: SiteIndex) -> Iterator[Finding]:
    """Require a freeze to have two times, the second one later, and regions that are declared."""
    for freeze in index.site.system.freezes:
        moments = {key: _moment(text) for key, text in _times(freeze).items()}
        for key, moment in moments.items():
            if moment is None:
                text = _times(freeze)[key]
                yield Finding(f"`{text}` is not YYYY-MM-DDTHH:MM.", freeze.source.at(key))
        since, until = moments["since"], moments["until"]
        if since is not None and until is not None and until <= since:
            yield Finding(f"{freeze.name} ends before it begins.", freeze.source.at("until"))
        for number, region in enumerate(freeze.regions):
            if region not in index.regions:
                detail = f"No region is called `{region}`."
                yield Finding(detail, freeze.source.at(f"regions.{number}"))


def _times(freeze: Freeze) -> dict[str, str]:
    return {"since": freeze.since, "until": freeze.until}


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        # Local to the site; only compared with another one of the same kind.
        return datetime.fromisoformat(text)
    except ValueError:
        return None


CHECKS: tuple[Check, ...] = (freezes_make_sense,)
