"""How ONNX' operators become layers: importing this registers them all."""

from cnncalc.importers.onnx.operators import (
    attending,
    computing,
    contraction,
    elementwise,
    finding,
    functions,
    integers,
    movement,
    normalization,
    parts,
    pooling,
    quantized,
    recurrent,
    reduction,
    resizing,
    scattering,
    sequences,
    shapes,
)

__all__ = [
    "attending", "computing", "contraction", "elementwise", "finding", "functions", "integers", "movement",
    "normalization", "parts", "pooling", "quantized", "recurrent", "reduction", "resizing", "scattering",
    "sequences", "shapes",
]  # fmt: skip
