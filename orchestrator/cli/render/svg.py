"""The few SVG shapes that our pictures are made of: escaped, rounded, and always the same text.

No script, no external font, no link: a picture may be mailed and opened anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

FONT: Final = "'Noto Sans','Noto Sans CJK SC','Microsoft YaHei','PingFang SC',Arial,sans-serif"
INK: Final = "#1d2733"
FAINT: Final = "#6b7785"
LINE: Final = "#c3cad2"

GOOD, TIGHT, OVER = "#3b8f5a", "#d99a1c", "#c8372d"
"""Below 90 % of a limit, up to it, and beyond it."""

NEARLY_FULL: Final = 0.9


def picture(
    width: float,
    height: float,
    *,
    title: str,
    parts: Iterable[str],
    style: str = "",
    ground: str = "#ffffff",
) -> str:
    """Return a whole SVG document; `style` is CSS for the classes that its parts name."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family={quoteattr(FONT)}>'
    )
    sheet = [f"<style>{style}</style>"] if style else []
    paper = box(0, 0, width, height, fill=ground, stroke="none")
    return "\n".join([head, f"<title>{escape(title)}</title>", *sheet, paper, *parts, "</svg>"])


# Four numbers are what a rectangle is.
def box(  # noqa: PLR0917 - see above
    x: float, y: float, width: float, height: float, *, fill: str = "none", stroke: str = LINE
) -> str:
    """Return a rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def label(x: float, y: float, text: str, *, size: float = 10, fill: str = INK) -> str:
    """Return text that begins at x, its baseline at y."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}">{escape(text)}</text>'


def styled(x: float, y: float, text: str, *, kind: str) -> str:
    """Return text at x, its baseline at y, that looks as the picture's style says of its class."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def anchored(x: float, y: float, text: str, *, anchor: str, size: float = 10) -> str:
    """Return faint text around x (`middle`) or before it (`end`)."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{FAINT}">{escape(text)}</text>'
    )


def hinted(shape: str, hint: str) -> str:
    """Return a shape with a text that appears over it in a browser."""
    return f"<g><title>{escape(hint)}</title>{shape}</g>"


def fill_color(part: float) -> str:
    """Return the colour of a limit that is used to this part."""
    return OVER if part > 1 else TIGHT if part > NEARLY_FULL else GOOD


def cut(text: str, *, width: float, size: float) -> str:
    """Shorten text to a width; Chinese is taken as one em a character, the rest as 0.56."""
    room, kept = width, ""
    for character in text:
        room -= size * (1.0 if east_asian_width(character) in "WF" else 0.56)
        if room < 0:
            return kept[:-1] + "…"
        kept += character
    return kept
