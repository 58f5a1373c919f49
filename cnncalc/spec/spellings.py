"""What frameworks call the layers that specs name once, so that an error can say our word for it."""

from __future__ import annotations

import re

from cnncalc.errors import did_you_mean
from cnncalc.layers import layer_types

_ELSEWHERE = {
    "averagepooling": "avgpool",
    "averagepool": "avgpool",
    "maxpooling": "maxpool",
    "globalaveragepooling": "global_avgpool",
    "globalaveragepool": "global_avgpool",
    "gap": "global_avgpool",
    "globalmaxpooling": "global_maxpool",
    "dense": "linear",
    "fc": "linear",
    "fullyconnected": "linear",
    "innerproduct": "linear",
    "gemm": "linear",
    "batchnormalization": "batchnorm",
    "bn": "batchnorm",
    "layernormalization": "layernorm",
    "ln": "layernorm",
    "groupnormalization": "groupnorm",
    "localresponsenorm": "lrn",
    "convolution": "conv",
    "deconv": "conv_transpose",
    "deconvolution": "conv_transpose",
    "transposedconv": "conv_transpose",
    "depthwiseconv": "conv' with 'groups: in_channels",
    "separableconv": "conv' with 'groups: in_channels', then a 1×1 'conv",
    "zeropadding": "pad",
    "constantpad": "pad",
    "upsampling": "upsample",
    "interpolate": "upsample",
    "concatenate": "concat",
    "cat": "concat",
    "swish": "silu",
    "hswish": "hardswish",
    "subsampling": "maxpool' or 'avgpool",
    "activation": "relu', 'gelu', … by its own name, as in '- relu",
    "sequential": "sequence",
    "mul": "multiply",
    "sub": "subtract",
    "max": "maximum",
    "cropping": "center_crop",
}


def type_hint(name: str, blocks: tuple[str, ...]) -> str | None:
    """Return a hint for an unknown layer type: our word for a framework's, or the nearest known one."""
    bare = re.sub(r"^(torch\.)?(nn\.|keras\.layers\.|layers\.)", "", name)
    word = re.sub(r"_?[123]d(?=transpose$|$)", "", bare.lower()).replace("_", "")
    ours = _ELSEWHERE.get(word) or {known.replace("_", ""): known for known in layer_types()}.get(word)
    if ours is not None:
        return f"it is called '{ours}' here"
    near = did_you_mean(name, (*blocks, "sequence", *layer_types()), "")
    return near or "'cnncalc layers' lists the types; blocks of the spec's own stand under 'blocks'"
