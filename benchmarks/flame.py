"""A flame graph as a picture without scripts: the wider a box, the more samples hold it."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 1200
ROW: Final = 16
LEAST: Final = 0.003
"""Share of all samples that a box must hold to be drawn."""
_LETTER: Final = 6.2
"""Width of a letter."""


@dataclass(slots=True)
class Frame:
    """A function in one place of the stacks."""

    name: str
    count: int = 0
    called: dict[str, Frame] = field(default_factory=dict)

    def add(self, stack: tuple[str, ...], count: int) -> None:
        """Take in a stack that goes on from here."""
        self.count += count
        if stack:
            first = stack[0]
            self.called.setdefault(first, Frame(first)).add(stack[1:], count)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a frame is drawn: depth, and its left and right as shares."""

    frame: Frame
    depth: int
    left: float
    share: float


def svg(stacks: Counter[tuple[str, ...]]) -> str:
    """The picture, outermost function at the top."""
    root = Frame("all")
    for stack, count in sorted(stacks.items()):
        root.add(stack, count)
    boxes = list(_boxes(root, root.count, 0, 0.0))
    height = (max(box.depth for box in boxes) + 1) * ROW + 4
    drawn = "\n".join(_drawn(box) for box in boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="monospace" font-size="10">\n{drawn}\n</svg>\n'
    )


def _boxes(frame: Frame, total: int, depth: int, left: float) -> Iterator[Box]:
    yield Box(frame, depth, left, frame.count / total)
    for called in sorted(frame.called.values(), key=lambda each: -each.count):
        if called.count >= LEAST * total:
            yield from _boxes(called, total, depth + 1, left)
        left += called.count / total


def _drawn(box: Box) -> str:
    x, width, y = box.left * WIDTH, box.share * WIDTH, box.depth * ROW
    name = box.frame.name
    room = int((width - 4) / _LETTER)
    said = name if len(name) <= room else name[: max(0, room - 1)] + "…" if room > 3 else ""
    # A colour for each file, always the same.
    hue = zlib.crc32(name.rpartition("(")[2].encode()) % 60
    text = f'<text x="{x + 2:.1f}" y="{y + 11}">{escape(said)}</text>' if said else ""
    return (
        f"<g><title>{escape(name)}: {box.share:.1%}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" '
        f'fill="hsl({hue},80%,70%)"/>{text}</g>'
    )
