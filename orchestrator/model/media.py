"""Virtual media: images that a BMC shows to its server as if they lay in a drive."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

SCHEMES = frozenset({"http", "https", "nfs", "cifs"})
"""What a BMC can fetch from (DSP0268, VirtualMedia.TransferProtocolType)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaSlot:
    """One virtual drive of a BMC."""

    name: str
    types: tuple[str, ...]
    """`CD`, `DVD`, `USBStick`, `Floppy`, as the BMC says."""
    image: str
    """Where its image is; empty where none is inserted."""

    def takes(self, url: str) -> bool:
        """Say whether it is the kind of drive for an image: discs for .iso, else a stick."""
        disc = urlsplit(url).path.lower().endswith(".iso")
        wanted = {"CD", "DVD"} if disc else {"USBStick", "Floppy"}
        return bool(wanted & set(self.types))


def fault_of_url(url: str) -> str:
    """Return why a BMC could not fetch an image from there, or nothing."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        return f"`{url}` is no address of an image: write it as https://HOST/PATH"
    if parts.username or parts.password:
        return "an image's address must not hold a login: it would stand in logs and in lists"
    return ""
