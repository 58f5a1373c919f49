"""The types in the signatures of layers and of what executes them, in one place.

They are for readers and type checkers: Python does not evaluate annotations, so that at run time the names stand for
nothing, and none of the modules below is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.layers.contractions import Contraction as Contraction
    from cnncalc.layers.element import Element as Element
    from cnncalc.layers.onnx import Attribute as Attribute
    from cnncalc.layers.onnx import Onnx as Onnx
    from cnncalc.layers.ops import Array as Array
    from cnncalc.layers.ops import DType as DType
    from cnncalc.layers.ops import NumPy as NumPy
    from cnncalc.layers.ops import Ops as Ops
    from cnncalc.layers.ops import Padding as Padding
    from cnncalc.layers.ops import Pooling as Pooling
    from cnncalc.layers.ops import Rounding as Rounding
    from cnncalc.layers.ops import Sizes as Sizes
    from cnncalc.layers.pytorch import ModuleCall as ModuleCall
    from cnncalc.layers.pytorch import Or as Or
    from cnncalc.layers.pytorch import TensorCode as TensorCode
    from cnncalc.layers.pytorch import Torch as Torch
    from cnncalc.layers.reads import Reads as Reads
    from cnncalc.layers.window import Sliding as Sliding
else:
    Array = Attribute = Contraction = DType = Element = ModuleCall = NumPy = Onnx = Ops = Or = None
    Padding = Pooling = Reads = Rounding = Sizes = Sliding = TensorCode = Torch = None
