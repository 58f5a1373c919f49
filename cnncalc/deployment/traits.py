"""Which operators and layers fold, fuse, move and stretch: as TensorFlow's converter was seen to do."""

from __future__ import annotations

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
