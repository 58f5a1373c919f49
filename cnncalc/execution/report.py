"""The result of a run: one row per layer, and the outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cnncalc.execution.kernels.kernel import Tally
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted
from cnncalc.layers.base import LayerError
from cnncalc.layers.shapes import Shape

if TYPE_CHECKING:
    from cnncalc.execution.needs import Needs
    from cnncalc.graph import Graph, Node
    from cnncalc.layers.ops import Array
    from cnncalc.layers.symbols import Formula


@dataclass
class LayerRun:
    """One layer's inferred figures beside the real ones.

    Attributes:
        node: the layer's use in the network.
        actual: the shape of the array that the layer made, batch first; None if it could not run.
        seconds: median time; a layer that ran within another's kernel has its time there.
        tally: products that were really summed; None for a layer that ran within another's kernel.
        fused_into: the layer within whose kernel this one ran, or "".
        finite: whether the array has neither NaN nor infinite elements.
        fault: why the layer could not run, or "".
    """

    node: Node
    actual: Shape | None
    seconds: float = 0.0
    tally: Tally | None = None
    fused_into: str = ""
    finite: bool = True
    fault: str = ""

    def inferred(self, batch: int) -> Shape:
        """Return the shape that the rule of the layer's type gives, batch first."""
        return (self.node.copies(batch), *self.node.shape)

    def shape_holds(self, batch: int) -> bool:
        """Return whether the real shape is the inferred one."""
        return self.actual == self.inferred(batch)

    def macs_hold(self, batch: int) -> bool:
        """Return whether the plain algorithm sums as many products as are counted."""
        return (self.tally.direct if self.tally else 0) == self.node.macs(batch)

    def holds(self, batch: int) -> bool:
        """Return whether shape and count are as inferred."""
        return self.shape_holds(batch) and self.macs_hold(batch)

    def gflops(self, batch: int) -> float | None:
        """Return 2 · macs per second in 10⁹, counted as the plain algorithm would need; None without macs."""
        if not self.tally or not self.tally.direct or not self.seconds:
            return None
        return 2 * self.tally.direct / self.seconds / 1e9

    def formulas(self) -> list[Formula]:
        """Return the formulas of the layer's output axes; none where a broken rule can't be traced."""
        try:
            return [formula for formula in self.node.formulas() if formula.symbol.endswith("_out")]
        except (LayerError, ValueError, TypeError):
            return []


@dataclass(repr=False)
class Run:
    """What came out of a network, and how every layer compares.

    Attributes:
        network: what was run.
        layers: one row per layer, in order.
        outputs: arrays (N, …) by the names of the network's outputs.
        tensors: outputs of the layers that were asked for, by name.
        batch: samples that went through.
        dtype: "float32" or "float64".
        threads: how many worked.
        seconds: median time of a pass over all layers.
        preparation: seconds that weights took to be made, folded and packed, and kernels to be bound.
        needs: the memory that was predicted.
        peak: the most bytes that the process took.
        first: the first layer that made NaN or infinite elements, or None.
        unstable: the first output that has other bytes after a repeated pass than after the first, or None.
    """

    network: Graph
    layers: list[LayerRun] = field(default_factory=list)
    outputs: dict[str, Array] = field(default_factory=dict)
    tensors: dict[str, Array] = field(default_factory=dict)
    batch: int = 1
    dtype: str = "float32"
    threads: int = 1
    seconds: float = 0.0
    preparation: float = 0.0
    needs: Needs | None = None
    peak: int = 0
    first: str | None = None
    unstable: str | None = None

    @property
    def output(self) -> Array:
        """The array of the only output.  Raises CnncalcError if there are several, or none was made."""
        if len(self.outputs) != 1:
            raise CnncalcError(f"there are {len(self.outputs)} outputs", "take them by name from 'outputs'")
        return next(iter(self.outputs.values()))

    @property
    def verified(self) -> int:
        """How many layers have the inferred shape and count."""
        return sum(row.holds(self.batch) for row in self.layers)

    @property
    def mismatches(self) -> list[LayerRun]:
        """The layers that don't."""
        return [row for row in self.layers if not row.holds(self.batch)]

    @property
    def ok(self) -> bool:
        """Whether every layer is as inferred, and every repeated pass gave the same bytes."""
        return not self.mismatches and self.unstable is None

    @property
    def finite(self) -> bool:
        """Whether no layer made NaN or infinite elements."""
        return all(row.finite for row in self.layers)

    def __repr__(self) -> str:
        how = f"{self.verified} of {counted(len(self.layers), 'layer')} as inferred"
        if self.unstable is not None:
            how += f", '{self.unstable}' differs between passes"
        if not self.finite:
            how += f", '{self.first}' is not finite"
        return f"<Run {self.network.title}: {how}; batch {self.batch}, {self.dtype}, {self.seconds * 1e3:.3g} ms>"

    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """Return the largest outputs of the first sample as (index, value); none where it is no vector."""
        if len(self.outputs) != 1 or self.output.ndim != 2 or self.output.shape[1] < 2:
            return []
        first = self.output[0]
        return [(int(i), float(first[i])) for i in np.argsort(-first, kind="stable")[:count]]
