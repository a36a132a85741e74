"""The reference page of the resource kinds, written from the kinds themselves."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.providers.device.kinds import NetworkDeviceKind
from orchestrator.providers.govcloud import KINDS
from orchestrator.providers.redfish.kinds import SettingsKind
from orchestrator.providers.resource_kind import ResourceKind
from orchestrator.providers.snmp.kinds import ROOM_KINDS

INTRODUCTION = """\
# Resource kinds

Written by `python -m orchestrator.providers.reference`; a test compares it with the code.

What stands in the column *marks*: **required**; **replaces**: a change makes the resource anew;
**not compared**: the cloud does not give it back, or changes it on its own, so that drift in it is
unknown; **at restart**: written at once, in force when the server next restarts. An optional input
that is left out is left to the cloud and not compared either.

A kind that **holds** something is deleted only when `removed:` lists its thing; the others are
settings, and go with their declaration.
"""


def render() -> str:
    """Return the whole page."""
    kinds: tuple[type[ResourceKind], ...] = (*KINDS, *ROOM_KINDS, NetworkDeviceKind, SettingsKind)
    return "\n".join([INTRODUCTION, *(line for kind in kinds for line in _section(kind))]) + "\n"


def _section(handler: type[ResourceKind]) -> Iterator[str]:
    kind = handler.kind
    yield f"## {kind.token}"
    yield ""
    yield " ".join((handler.__doc__ or "").split())
    yield ""
    yield "Holds something." if kind.holds else "A setting."
    if kind.secret_outputs:
        yield ""
        yield f"Secret outputs, kept encrypted: {', '.join(sorted(kind.secret_outputs))}."
    yield ""
    yield "| input | meaning | marks |"
    yield "|---|---|---|"
    for name, attribute in handler.attributes.items():
        marks = {
            "required": attribute.required,
            "replaces": name in kind.replace_on,
            "not compared": name in kind.write_only,
            "at restart": name in kind.at_restart,
        }
        written = ", ".join(mark for mark, holds in marks.items() if holds)
        yield f"| `{name}` | {attribute.meaning} | {written} |"
    yield ""


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - this is what it is for
