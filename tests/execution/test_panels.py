"""Matrix products in pieces give the figures of one product, whatever the size of the last piece."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.panels import Filters, transform
from cnncalc.execution.kernels.rows import RowOperation
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.tuning import MOST_WORK_UNPACKED, ROW_OPERATION
from tests.execution import loops
from tests.execution.test_kernels import check, drawn

ROWS = [1, 5, 23, 49, 121, 196, 500]
SHAPES = [(16, 96), (320, 24), (147, 64), (1280, 320), (2304, 256), (9000, 64), (64, 100), (20, 7)]  # depth, columns


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("depth", "columns"), SHAPES)
def test_pieces_are_the_whole(rows: int, depth: int, columns: int) -> None:
    matrix, a = drawn((depth, columns), "float32"), drawn((rows, depth), "float32", 1)
    out = np.full((rows, columns), np.nan, np.float32)
    Filters.of(matrix, pieces=True).multiply(a, out)
    check(out, (a.astype(np.float64) @ matrix).astype(np.float32))


def test_widths_of_panels() -> None:
    cut, deep, odd, double = (
        Filters.of(drawn(shape, dtype), pieces=True)
        for shape, dtype in (
            ((1280, 320), "float32"),
            ((9000, 64), "float32"),
            ((20, 7), "float32"),
            ((64, 64), "float64"),
        )
    )
    panels, depth, width = cut.panels.shape
    assert (depth, panels * width) == (1280, 320)
    assert panels > 1
    assert 12 * depth * width <= cut.rows * depth * width <= MOST_WORK_UNPACKED
    assert not deep.rows, "even the narrowest panel with a dozen rows would be packed"
    assert not odd.rows
    assert not double.rows
    matrix = drawn((1280, 320), "float32")
    assert Filters.of(matrix, pieces=False).panels is matrix


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 3), max_size=2), st.integers(1, 200), st.integers(1, 60), st.integers(1, 12), st.data())
def test_stacks_and_strides(lead: list[int], rows: int, depth: int, panels: int, data: st.DataObject) -> None:
    columns = panels * data.draw(st.sampled_from([1, 8, 16]))
    matrix, wide = drawn((*lead, depth, columns), "float32"), drawn((*lead, rows, depth + 3), "float32", 1)
    a = wide[..., :depth]  # a slice of a wider map
    out = np.full((*lead, rows, columns + 2), np.nan, np.float32)[..., :columns]
    filters = Filters.empty(matrix.shape, matrix.dtype, pieces=True)
    middle = depth // 2
    filters.write(middle, matrix[..., middle:, :])
    filters.write(0, matrix[..., :middle, :])
    filters.multiply(a, out)
    check(np.ascontiguousarray(out), np.matmul(a.astype(np.float64), matrix).astype(np.float32))


@pytest.mark.parametrize("pieces", [True, False])
@pytest.mark.parametrize("count", [1, 27_760, 27_777, 100_003])
def test_transforms(count: int, pieces: bool) -> None:
    matrix, columns = drawn((4, 6), "float32"), drawn((6, count), "float32", 1)
    out = np.full((4, count), np.nan, np.float32)
    transform(matrix, columns, out, pieces)
    check(out, (matrix.astype(np.float64) @ columns).astype(np.float32))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_in_pieces(groups: int, kernel: int, stride: int) -> None:
    x, weight = drawn((1, groups * 40, 9, 11), "float64"), drawn((groups * 32, 40, kernel, kernel), "float64", 1)
    wanted = loops.conv(x, weight, drawn((groups * 32,), "float64", 2), (stride,) * 2, ((1, 1),) * 2, (1, 1), groups)
    ops = Kernels(Team(threads=2, pieces=True))
    single = (array.astype(np.float32) for array in (x, weight, drawn((groups * 32,), "float64", 2)))
    result = ops.conv(*single, stride=stride, padding=1, groups=groups)
    check(result, wanted.astype(np.float32))
    assert ops.tally().direct == wanted.size * 40 * kernel**2


@pytest.mark.parametrize("count", [1, 7, 49, 196, 169, 1000])
@pytest.mark.parametrize("width", [1, 3, 96, 960, 2 * ROW_OPERATION])
def test_rows_are_changed_several_at_a_time(count: int, width: int) -> None:
    rows, vector = drawn((count, width), "float64"), drawn((width,), "float64", 1)
    wider = drawn((count, width + 2), "float64", 2)
    for source in (rows, wider[:, :width]):
        out, gaps = np.full_like(rows, np.nan), np.full_like(wider, np.nan)
        RowOperation(vector)(source, out)
        RowOperation(vector)(source, gaps[:, :width])
        assert (out == source + vector).all()
        assert (gaps[:, :width] == source + vector).all()
        assert np.isnan(gaps[:, width:]).all()
