"""The result of a run: one row per layer, and the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnncalc.execution.kernels.kernel import Tally
from cnncalc.execution.needs import Needs
from cnncalc.graph import Graph, Node
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.numbers import counted
from cnncalc.layers.base import LayerError
from cnncalc.layers.interfaces import Array
from cnncalc.layers.shapes import Shape
from cnncalc.layers.symbols import Formula


class LayerRun(NamedTuple):
    """One layer's inferred and actual figures.

    Attributes:
        node: the layer's use in the network.
        actual: the shape of the layer's actual output, batch first; None if it could not run.
        seconds: median time; the time of a fused layer is counted for the layer that it is fused into.
        tally: products that were really summed; None for a fused layer.
        fused_into: the layer whose kernel ran this one, or "".
        finite: whether the array has neither NaN nor infinite elements; inside the network, −∞ is no fault.
        fault: the reason why the layer could not run, or "".
    """

    node: Node
    actual: Shape | None
    seconds: float
    tally: Tally | None
    fused_into: str
    finite: bool
    fault: str

    def inferred(self, batch: int) -> Shape:
        """Return the inferred shape, batch first."""
        return (self.node.copies(batch), *self.node.shape)

    def shape_holds(self, batch: int) -> bool:
        """Return whether the actual shape is the inferred one."""
        return self.actual == self.inferred(batch)

    def macs_hold(self, batch: int) -> bool:
        """Return whether the plain algorithm sums as many products as are counted."""
        return (self.tally.direct if self.tally else 0) == self.node.macs(batch)

    def holds(self, batch: int) -> bool:
        """Return whether shape and count are as inferred."""
        return self.shape_holds(batch) and self.macs_hold(batch)

    def gflops(self, batch: int) -> float | None:
        """Return 2 · macs per second in 10⁹, counted for the plain algorithm; None without macs."""
        if not self.tally or not self.tally.direct or not self.seconds:
            return None
        return 2 * self.tally.direct / self.seconds / 1e9

    def formulas(self) -> list[Formula]:
        """Return the formulas of the layer's output axes; none if a broken rule can't be traced."""
        try:
            return [formula for formula in self.node.formulas() if formula.symbol.endswith("_out")]
        except (LayerError, ValueError, TypeError):
            return []


@dataclass(frozen=True, repr=False)
class Run:
    """The outputs of a network, and the comparison of every layer.

    Attributes:
        network: the network that was run.
        layers: one row per layer, in order.
        outputs: arrays (N, …) by the names of the network's outputs.
        tensors: outputs of the requested layers, by name.
        batch: number of samples.
        dtype: "float32" or "float64".
        threads: number of threads.
        seconds: median time of a pass over all layers.
        preparation: seconds for making, folding and packing weights and for binding kernels.
        needs: the predicted memory.
        peak: the largest memory of the process, in bytes.
        first: the first layer with NaN or infinite elements, or None.
        unstable: the first output whose bytes differ between a repeated pass and the first, or None.
    """

    network: Graph
    layers: list[LayerRun]
    outputs: dict[str, Array]
    tensors: dict[str, Array]
    batch: int
    dtype: str
    threads: int
    seconds: float
    preparation: float
    needs: Needs
    peak: int
    first: str | None
    unstable: str | None

    @property
    def output(self) -> Array:
        """The array of the only output.  Raises CnncalcError if there are several, or it was not computed."""
        if len(self.outputs) != 1:
            raise CnncalcError(f"there are {len(self.outputs)} outputs", "select one by name from 'outputs'")
        return next(iter(self.outputs.values()))

    @property
    def verified(self) -> int:
        """Number of layers with the inferred shape and count."""
        return sum(row.holds(self.batch) for row in self.layers)

    @property
    def mismatches(self) -> list[LayerRun]:
        """The layers that don't."""
        return [row for row in self.layers if not row.holds(self.batch)]

    @property
    def missing(self) -> list[str]:
        """Names of the outputs that were not computed, and of those that the network of a model file leaves out."""
        return [name for name in (*self.network.outputs, *self.network.model.left_out) if name not in self.outputs]

    @property
    def ok(self) -> bool:
        """Whether everything was computed and is as inferred, and every repeated pass gave the same bytes."""
        model = self.network.model
        return not (self.mismatches or self.unstable or model.left_out or model.most_rows)

    @property
    def finite(self) -> bool:
        """Whether no layer has NaN or infinite elements."""
        return all(row.finite for row in self.layers)

    def __repr__(self) -> str:
        how = f"{self.verified} of {counted(len(self.layers), 'layer')} as inferred"
        if self.unstable is not None:
            how += f", '{self.unstable}' differs between passes"
        if not self.finite:
            how += f", '{self.first}' is not finite"
        return f"<Run {self.network.title}: {how}; batch {self.batch}, {self.dtype}, {self.seconds * 1e3:.3g} ms>"

    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """Return the largest outputs of the first sample as (index, value); empty if it is not a vector."""
        if len(self.outputs) != 1 or self.output.ndim != 2 or self.output.shape[1] < 2:
            return []
        first = self.output[0]
        return [(int(i), float(first[i])) for i in np.argsort(-first, kind="stable")[:count]]
