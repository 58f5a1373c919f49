"""Table of learned vectors."""

from __future__ import annotations

from cnncalc.layers.arguments import argument, positive
from cnncalc.layers.base import Elsewhere, Example, Layer, Weight
from cnncalc.layers.interfaces import Array, Onnx, Ops, TensorCode, Torch
from cnncalc.layers.shapes import Shape


class Embedding(Layer):
    """Looks up a learned vector for every index.

    Input of any shape, whose elements are indices below ``num_embeddings``; output one axis longer.  Flops: 0.
    """

    operations = 0
    label_format = "{num_embeddings}×{embedding_dim}"

    num_embeddings = argument(positive, "number of vectors in the table", symbol="V")
    embedding_dim = argument(positive, "length of each vector", symbol="E")

    example = Example(
        "embedding: {num_embeddings: 256, embedding_dim: 64}",
        inputs=((512,),),
        output=(512, 64),
        params=256 * 64,
    )
    elsewhere = Elsewhere(torch="Embedding(num_embeddings, embedding_dim)", others="Embed", compared=True)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape followed by the vectors' length."""
        return (*inputs[0], self.embedding_dim)

    def weights(self, *inputs: Shape) -> dict[str, Weight]:
        """Return weight (num_embeddings, embedding_dim)."""
        return {"weight": Weight((self.num_embeddings, self.embedding_dim))}

    def below(self, inputs: tuple[Shape, ...]) -> tuple[int | None, ...]:
        """Return the number of vectors."""
        return (self.num_embeddings,)

    def forward(self, ops: Ops, *inputs: Array, **weights: Array) -> Array:
        """Look up the vectors: −1 is the last one; an index outside the table is replaced by the nearest valid one."""
        (x,) = inputs
        rows = ops.np.clip(ops.np.rint(x), -self.num_embeddings, self.num_embeddings - 1).astype(int)
        found: Array = weights["weight"][rows]
        return found

    def to_onnx(self, onnx: Onnx) -> str:
        """Gather rows of the table, at the nearest valid index."""
        bounds = onnx.number(-self.num_embeddings), onnx.number(self.num_embeddings - 1)
        index = onnx.node("Clip", onnx.node("Round", onnx.x), *bounds)
        return onnx.node("Gather", onnx.weight("weight"), onnx.cast(index, "integer"), axis=0)

    def to_torch(self, torch: Torch) -> TensorCode:
        """PyTorch's module, which accepts only indices from 0: −1 is the last one after a division by their number."""
        size = self.num_embeddings
        rows = torch.call(".long", torch.call(".clamp", torch.call(".round", torch.x), -size, size - 1))
        return torch.module("nn.Embedding", size, self.embedding_dim)(torch.call(".remainder", rows, size))
