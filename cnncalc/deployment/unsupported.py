"""The error for layers that a device can't run: it names the first one, and lists all of them by type and reason."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cnncalc.ground.errors import CnncalcError, clipped
from cnncalc.ground.terminal_safe import printable
from cnncalc.layers.shapes import shape_text

if TYPE_CHECKING:
    from cnncalc.graph import Node

MOST_REASONS = 20
"""Most lines of the list."""


class UnsupportedError(CnncalcError):
    """A layer that the device can't run, with its place in the spec.

    Attributes:
        node: the layer.
        why: the reason.
        advice: what to use in its place, or None.
        more: the errors for the other layers of the network that the device can't run.
    """

    def __init__(self, node: Node, why: str, advice: str | None = None) -> None:
        place = f"{node.origin}: " if node.origin else ""
        of_shapes = " of " + ", ".join([shape_text(shape) for shape in node.use.inputs]) if node.use.inputs else ""
        super().__init__(f"{place}'{node.name}' ({node.layer.type}{of_shapes}): {why}", advice)
        self.node = node
        self.why = why
        self.advice = advice
        self.more: list[UnsupportedError] = []

    def text(self) -> str:
        """Return the first layer's error; if others are refused, too, a line for each type and reason, with a count."""
        if not self.more:
            return super().text()
        everyone = (self, *self.more)
        counts = Counter([(one.node.layer.type, one.why, one.advice) for one in everyone])
        if len(counts) == 1:
            return f"{super().text()}\n  {len(everyone):,} layers are refused for this reason"
        lines = [f"{count:,} {kind}: {why}" + (f" ({hint})" if hint else "") for (kind, why, hint), count in
                 counts.most_common(MOST_REASONS)]  # fmt: skip
        if len(counts) > MOST_REASONS:
            lines.append("…")
        said = [printable(clipped(self.message)), f"  {len(everyone):,} layers are refused:"]
        return "\n".join([*said, *[f"    {printable(clipped(line))}" for line in lines]])
