"""Checks of maintenance: freezes that freeze something, firmware that can be fetched and proved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, error
from orchestrator.model.system import Freeze

_ADDRESS = re.compile(r"https?://[^\s@]+/[^\s]+")
"""Without a login: it would be shown, and end up in the BMC's log."""
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
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


@error(
    "HW015",
    "Declared firmware cannot be fetched or proved",
    remedy="Give each component once, the file's http or https address, and its SHA-256.",
)
def firmware_can_be_proved(index: SiteIndex) -> Iterator[Finding]:
    """Require each component once in a profile, an address that BMCs fetch from, and a digest."""
    for profile in index.site.hardware.profiles:
        seen = set()
        for number, one in enumerate(profile.firmware):
            where = f"firmware.{number}"
            if one.component in seen:
                yield Finding(
                    f"`{one.component}` is declared twice.", profile.source.at(f"{where}.component")
                )
            seen.add(one.component)
            if not _ADDRESS.fullmatch(one.image):
                detail = f"`{one.image}` is no address that a BMC fetches a file from."
                yield Finding(detail, profile.source.at(f"{where}.image"))
            if not _DIGEST.fullmatch(one.sha256):
                detail = f"`{one.sha256}` is no SHA-256: that has 64 hexadecimal digits."
                yield Finding(detail, profile.source.at(f"{where}.sha256"))


CHECKS: tuple[Check, ...] = (freezes_make_sense, firmware_can_be_proved)
