"""SCALE-Sim's table of layers: one row for each convolution or product of matrices (topology files, version 2 and 3).

Checked with its own reader, ``scalesim.topology_utils`` 3.0.0: it drops what stands after a row's last comma, takes
one stride for both axes, counts ⌈(IFMAP − filter + stride) / stride⌉ windows, and takes a row with "DP" in its name as
so many layers of one channel as it has channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnncalc.exporters.contracted import Product, coverage, products, taps, windows
from cnncalc.exporters.formats import Options
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.limits import MAX_TABLE_ROWS
from cnncalc.ground.numbers import first_of
from cnncalc.layers.contractions import Contraction, WindowedAxis

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"


class TopologyRow(NamedTuple):
    """A row: sizes of the map with its padding, sizes of the filter, channels, filters, and the stride of both axes."""

    name: str
    height: int
    width: int
    filter_height: int
    filter_width: int
    channels: int
    filters: int
    stride: int

    @property
    def text(self) -> str:
        """The row as the file has it, its last comma included."""
        return ", ".join([str(value) for value in self]) + ","


def export(graph: Graph, options: Options) -> Iterator[bytes]:
    """Yield the table.

    Raises:
        CnncalcError: if it would have too many rows, or none.
    """
    found = list(products(graph))
    count = sum([_count(product.contraction) for product in found])
    if count > MAX_TABLE_ROWS:
        raise CnncalcError(f"the table would have {count:,} rows; at most {MAX_TABLE_ROWS:,} are allowed")
    if not found:
        raise CnncalcError(f"'{graph.title}' has no layer with MACs, which is all that SCALE-Sim simulates")
    yield f"{HEADER}\n".encode()
    for product in found:
        for row in rows(product):
            yield f"{row.text}\n".encode()
    if options.report is not None:
        options.report(coverage(graph, found))
        unfolded = list(dict.fromkeys([product.node.name for product in found if _is_unfolded(product.contraction)]))
        if unfolded:
            named = first_of(unfolded, 4)
            options.report(f"written as matrix products, which are read as if windows did not overlap: {named}")


def rows(product: Product) -> Iterator[TopologyRow]:
    """Yield the rows of a product, one for each group and turn; a depthwise convolution is a single one."""
    contraction, name = product.contraction, product.name.replace("DP", "Dp")
    height, width, stride = _map(contraction)
    sizes = (_reach(height, stride), _reach(width, stride), height.kernel, width.kernel)
    each = TopologyRow(name, *sizes, contraction.channels, contraction.filters, stride)
    if _is_unfolded(contraction):
        length = taps(contraction)
        each = TopologyRow(name, windows(contraction), length, 1, length, 1, contraction.filters, 1)
    if _is_depthwise(contraction):
        each = each._replace(name=f"{name}_DP_", channels=contraction.groups)
    copies = _count(contraction)
    for number in range(1, copies + 1):
        yield each if copies == 1 else each._replace(name=f"{each.name}_{number}")


def _count(contraction: Contraction) -> int:
    """Return the number of rows of a contraction."""
    return contraction.turns * (1 if _is_depthwise(contraction) else contraction.groups)


def _is_depthwise(contraction: Contraction) -> bool:
    """Whether each group is one channel of a map."""
    return contraction.groups > 1 and contraction.channels == 1 and bool(contraction.axes)


def _axes(contraction: Contraction) -> list[WindowedAxis]:
    """Return the axes with more than one tap or window; a matrix has one axis, with its rows as windows."""
    axes = [axis for axis in contraction.axes if (axis.kernel, axis.windows) != (1, 1)]
    return axes if contraction.axes else [WindowedAxis(1, 1, 1, contraction.rows)]


def _is_unfolded(contraction: Contraction) -> bool:
    """Whether the windows can only be written as rows of a matrix: three axes, dilation, or strides that differ."""
    axes = _axes(contraction)
    strides = {axis.stride for axis in axes if axis.windows > 1}
    return len(axes) > 2 or len(strides) > 1 or any(axis.dilation > 1 and axis.kernel > 1 for axis in axes)


def _map(contraction: Contraction) -> tuple[WindowedAxis, WindowedAxis, int]:
    """Return the vertical and the horizontal axis, and the stride of both."""
    axes = _axes(contraction)[:2]
    single = WindowedAxis(1, 1, 1, 1)
    stride = max([axis.stride for axis in axes if axis.windows > 1], default=1)
    height, width = [single, single, *axes][-2:] if contraction.axes else (axes[0], single)
    return height, width, stride


def _reach(axis: WindowedAxis, stride: int) -> int:
    """Return the number of elements that the windows of an axis span, from the first to the last, padding included."""
    return (axis.windows - 1) * stride + axis.kernel
