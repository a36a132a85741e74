"""Images and volumes: what a restore makes of them, and how it is named."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.backup import Manifest, Subject
from orchestrator.planning.elsewhere import ELSEWHERE

MOST_SHOWN = 40
"""Characters of a value: a hash has 128."""


def name_of_restored(subject: Subject) -> str:
    """Return what is made from a copy is called where nobody gives it another name.

    An image its own: it is gone, or a restore under this name is refused. A volume another one: it
    belongs to whoever runs this, until it is handed over.
    """
    if subject.volume is None:
        return subject.image
    return f"{subject.volume.name}-{ELSEWHERE}"


def steps_of_cloud(subject: Subject, manifest: Manifest, name: str) -> Iterator[str]:
    """Return what a restore of an image or a volume does once the copy is found, line by line."""
    yield f"Upload {manifest.data_bytes} bytes into a new image that nobody else sees"
    if subject.volume is None:
        yield "Refuse it unless Glance's own hash is that of what was copied"
    else:
        yield f"Make a volume of {manifest.facts.properties.get('size', '?')} GiB from that image"
        yield "Read the volume again, and refuse it unless it has what was copied, byte for byte"
    yield f"Give it its name, {name}, and compare its properties with the record"
    for note in manifest.facts.notes:
        yield f"NOTE: {note}"


def shortened(value: str) -> str:
    """Return a value as it fits into a table."""
    return value if len(value) <= MOST_SHOWN else f"{value[: MOST_SHOWN - 3]}..."
