"""Small networks for the executor's tests."""

from __future__ import annotations

from cnncalc import loads
from cnncalc.layers.shapes import Shape
from cnncalc.network import Network
from tests.layers.building import make

RESIDUAL = """
name: Residual
input: [3, 20, 20]
layers:
  - conv: {out_channels: 32, kernel_size: 3, padding: 1, bias: false}
  - batchnorm
  - relu
    # a projection shortcut, then an identity one, a gate, and a dense block before normalisation
  - add:
      paths:
        - - conv: {out_channels: 32, kernel_size: 3, padding: 1}
          - batchnorm
          - relu6
          - conv: {out_channels: 64, kernel_size: 1, stride: 2}
          - batchnorm
        - - conv: {out_channels: 64, kernel_size: 1, stride: 2, bias: false}
          - batchnorm
  - relu:
    name: joined
  - add:
      paths:
        - []
        - - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 64}
          - batchnorm
          - silu
          - conv: {out_channels: 64, kernel_size: 1}
  - relu
  - multiply:
      paths:
        - []
        - - global_avgpool
          - conv: {out_channels: 64, kernel_size: 1}
          - sigmoid
  - concat:
      paths:
        - []
        - - batchnorm
          - relu
          - conv: {out_channels: 16, kernel_size: 1}
          - batchnorm
          - relu
          - conv: {out_channels: 8, kernel_size: 3, padding: 1}
  - batchnorm
  - maxpool: {kernel_size: 3, stride: 2, padding: 1}
  - conv:
      out_channels: 4
      kernel_size: 3
    name: first
  - flatten
  - dropout
  - linear: 12
  - batchnorm
  - hardswish
  - linear: 5
"""


def spec(text: str) -> Network:
    """Return the network of a spec's text."""
    return loads(text, name="test.yaml")


def single(item: str, *inputs: Shape) -> Network:
    """Return a network of one layer, called `layer`."""
    network = Network("single", {f"x{i}": shape for i, shape in enumerate(inputs or [(1,)])})
    network.outputs["layer"] = network.add(make(item), list(network.inputs.values())[: len(inputs)], "layer")
    return network
