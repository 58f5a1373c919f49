"""Layer types that tflite-micro lacks, or has only in float32, with replacements.

Looked up in tensorflow/lite/micro/micro_mutable_op_resolver.h and the kernels' checks, and tried on the interpreter.
"""

from __future__ import annotations

_EXP = "needs EXP, which tflite-micro has only in float32"

MISSING: dict[str, tuple[str, str | None]] = {
    "gelu": ("tflite-micro has no GELU: AllocateTensors fails", "use relu, relu6 or hardswish"),
    "mish": (f"tflite-micro has no mish: it {_EXP}", "use relu6 or hardswish"),
    "softplus": (f"tflite-micro has no softplus: it {_EXP}", "use relu"),
    "selu": ("tflite-micro has no selu: it needs SELECT, which is missing", "use relu"),
    "lrn": ("tflite-micro has no LOCAL_RESPONSE_NORMALIZATION", "leave it out, or use batchnorm, which costs nothing"),
    "groupnorm": ("tflite-micro has no groupnorm", "use batchnorm, which is folded into the convolution"),
    "instancenorm": ("tflite-micro has no instancenorm", "use batchnorm, which is folded into the convolution"),
    "layernorm": ("tflite-micro has no layernorm", "use batchnorm, which is folded into the convolution"),
    "locally_connected": ("tflite-micro has no locally connected convolution", "use conv, which shares its filters"),
    "lppool": ("tflite-micro has no pooling with a power, in int8", "use maxpool or avgpool"),
    "adaptive_maxpool": ("tflite-micro has no adaptive pooling", "use maxpool, with the kernel that gives the size"),
}
"""Why a layer type can't be on the device, and a hint; by type."""
