"""The types in the signatures of a layer's rules, in one place; imported only for type checking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.layers.contractions import Contraction as Contraction
    from cnncalc.layers.element import Element as Element
    from cnncalc.layers.onnx import Attribute as Attribute
    from cnncalc.layers.onnx import Onnx as Onnx
    from cnncalc.layers.ops import Array as Array
    from cnncalc.layers.ops import NumPy as NumPy
    from cnncalc.layers.ops import Ops as Ops
    from cnncalc.layers.ops import Rounding as Rounding
    from cnncalc.layers.pytorch import Flow as Flow
    from cnncalc.layers.pytorch import ModuleCall as ModuleCall
    from cnncalc.layers.pytorch import Or as Or
    from cnncalc.layers.pytorch import TensorCode as TensorCode
    from cnncalc.layers.pytorch import Torch as Torch
