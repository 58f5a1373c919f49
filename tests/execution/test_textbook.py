"""Examples from the textbook, worked out by hand."""

from __future__ import annotations

import numpy as np

from cnncalc.execution.kernels import Kernels

# The setting of Stanford's CS231n, "Convolutional neural networks": a 5×5×3 image, zero padding 1, two 3×3×3
# filters with stride 2, a bias each, and a 3×3×2 result.  The figures are chosen so that a reader can follow.
ONES = np.ones((5, 5))
ROWS = np.repeat(np.arange(5.0)[:, None], 5, axis=1)  # every element is the number of its row
DIAGONAL = np.eye(5)


def test_two_filters_on_a_5x5x3_image() -> None:
    image = np.stack([ONES, ROWS, DIAGONAL])[None]
    filters, biases = np.zeros((2, 3, 3, 3)), np.array([1.0, -1.0])
    filters[0, 0] = 1  # counts the taps that lie in the image
    filters[0, 1, 1, 1] = 1  # adds the number of the row
    filters[1, 1, 1] = [-1, 0, 1]  # right neighbour minus left: 0 but at the border, where one is padding
    filters[1, 2, 0, 0], filters[1, 2, 2, 2] = 1, 2  # on the diagonal: 1 · before + 2 · behind
    result = Kernels().conv(image, filters, biases, stride=2, padding=1)
    first = [  # taps in the image + row + 1
        [4 + 0 + 1, 6 + 0 + 1, 4 + 0 + 1],
        [6 + 2 + 1, 9 + 2 + 1, 6 + 2 + 1],
        [4 + 4 + 1, 6 + 4 + 1, 4 + 4 + 1],
    ]
    second = [  # right minus left + diagonal − 1
        [0 + 2 - 1, 0 - 1, 0 - 1],
        [2 - 1, 0 + 1 + 2 - 1, -2 - 1],
        [4 - 1, 0 - 1, -4 + 1 - 1],
    ]
    assert result.tolist() == [[first, second]]


def test_pooling_of_a_4x4_map() -> None:
    # CS231n's figure of max pooling, 2×2 filters and stride 2
    plane = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]
    assert Kernels().pool(plane, "max", kernel_size=2).tolist() == [[[[6, 8], [3, 4]]]]
    assert Kernels().pool(plane, "avg", kernel_size=2).tolist() == [[[[13 / 4, 21 / 4], [8 / 4, 8 / 4]]]]
