"""Which operators and layers fold, fuse, move and stretch: as TensorFlow's converter was seen to do."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.graph import Node

FOLDABLE = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
"""Operators whose weights can absorb a factor and a shift per channel."""

FUSING = (*FOLDABLE, "ADD", "SUB", "MUL", "DIV", "MAX_POOL_2D", "AVERAGE_POOL_2D")
"""Operators that can clamp their output; after CONCATENATION, MEAN, RESHAPE and others a clamp is a separate operator.
"""

UNARY = ("relu", "relu6", "leaky_relu", "elu", "sigmoid", "tanh", "silu", "hardswish", "hardsigmoid", "hardtanh")
"""Layers with one input after which a reshape is moved."""

CONSTANTS = ("batchnorm", "scale", "shift", "affine")
"""Layers that multiply with constants, or add them."""

MOVING = ("RESHAPE", "TRANSPOSE")
"""Operators before which a clamp is moved."""

IDLE = ("dropout", "identity", "permute")
"""Layers that are dropped."""

IDEMPOTENT = ("relu", "relu6", "abs")
"""Layers that change nothing where the one before is of the same type."""

COMMUTING = ("add", "multiply", "maximum", "minimum")
"""Merges in which the first two inputs may change places."""

IDLE_ON_ONES = ("expand", "mean", "max", "min", "sum", "global_avgpool", "global_maxpool", "adaptive_avgpool")
"""Layers that are dropped if they leave the shape as it is."""

STRETCHING = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
"""Layers that stretch axes of 1 themselves, so that an expand before them is dropped."""

KEEPING_HEIGHT = (
    *STRETCHING, *CONSTANTS, "relu", "relu6", "hardtanh", "hardsigmoid", "sigmoid", "tanh", "neg", "power",
)  # fmt: skip
"""Layers behind which the RESHAPE is moved that takes the height of a map of one axis away."""

ONE_SCALE = (
    *MOVING, "PAD", "STRIDED_SLICE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR",
    "DEPTH_TO_SPACE", "SPACE_TO_DEPTH",
)  # fmt: skip
"""Operators whose output has their input's scale."""

CLAMPS = {(0.0, inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}
"""The clamps that operators can do to their output, by their bounds."""


def clamp_of(node: Node) -> str | None:
    """Return the clamp that a layer is, if operators can do it to their output."""
    bounds = node.layer.clamps()
    return CLAMPS.get(bounds) if bounds is not None else None


CHOOSING = ("concat", "maximum", "minimum")
"""Merges that choose elements."""


def chooses(node: Node) -> bool:
    """Whether a layer's output's elements are elements of its inputs, so that all of them have one scale."""
    kind = node.layer.type
    return kind in CHOOSING or (kind == "hardtanh" and clamp_of(node) is None)


ONLY_IN_FLOAT = ("elu", "neg", "sin", "cos")
"""Layers whose operator the device has in float32 alone."""

KEEPING_SCALE = (
    "maxpool", "avgpool", "adaptive_avgpool", "pad", "reshape", "flatten", "slice", "select", "center_crop", "upsample",
    "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
)  # fmt: skip
"""Layers whose operators have one scale."""
