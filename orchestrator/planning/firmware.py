"""Compare the firmware that is declared with what a server tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.model.firmware import FirmwareChange, FirmwareImage
from orchestrator.model.inventory import Unknown


def changes_of(
    declared: Sequence[FirmwareImage], told: Mapping[str, str]
) -> tuple[FirmwareChange, ...] | Unknown:
    """Return what is to be changed; unknown where a declared component is not told of."""
    missing = [one.component for one in declared if not told.get(one.component)]
    if missing:
        known = ", ".join(sorted(told)) or "nothing"
        return Unknown(f"its BMC tells no version of {', '.join(missing)}; it tells of {known}")
    return tuple(
        FirmwareChange(
            component=one.component,
            before=told[one.component],
            after=one.version,
            image=one.image,
            sha256=one.sha256,
        )
        for one in declared
        if told[one.component] != one.version
    )


def other_versions(changes: Sequence[FirmwareChange], told: Mapping[str, str]) -> Iterator[str]:
    """Return a sentence for each component that does not run what it was changed to."""
    for one in changes:
        now = told.get(one.component, "not told")
        if now != one.after:
            yield f"its {one.component} is {now}, not {one.after}"
