"""What is in images and volumes, on its way out of the cloud or into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

Parts = Callable[[], AbstractContextManager[Iterator[bytes]]]
"""Opens a content afresh: a request that is sent again needs all of it again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What is to be stored: its size, what it is to be, and a way to it."""

    size_bytes: int
    properties: Mapping[str, str]
    open: Parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """A thing of the cloud that does not change while it is read."""

    image_id: str
    """Of the image that has its content."""
    properties: Mapping[str, str]
    """What must be there again with the content."""
    notes: tuple[str, ...] = ()
    """What the copy is not; in whole sentences without a full stop."""


class SizedBody:
    """A request's body whose length is known, of parts of any length.

    No file object: requests would ask it for its position, and forget the length.
    """

    def __init__(self, parts: Iterator[bytes], size_bytes: int) -> None:
        """Take the parts; they are read once."""
        self._parts = parts
        self._size = size_bytes
        self._rest = b""

    def __len__(self) -> int:
        """Return how many bytes come: HTTP says it first."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Return the rest, part by part."""
        while part := self.read():
            yield part

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, of which there may be fewer than asked for; none at the end."""
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._rest = part
        most = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:most], self._rest[most:]
        return found
