"""What frameworks call the layers that specs name once, so that an error can say our word for it."""

from __future__ import annotations

import re

from cnncalc.ground.near import did_you_mean
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


MEANT = {
    "bilinear": "it is called 'linear' here, on a map of any rank",
    "trilinear": "it is called 'linear' here, on a map of any rank",
    "bicubic": "only nearest and linear are known",
    "zeros": "it is called 'constant' here",
    "edge": "it is called 'replicate' here",
    "wrap": "it is called 'circular' here",
}
"""Words of frameworks for what arguments take."""

_ARGUMENTS = {
    "inplace": "leave it out: it changes no figure",
    "start_dim": "leave it out: flatten makes a vector of the whole tensor",
    "end_dim": "leave it out: flatten makes a vector of the whole tensor",
    "padding_mode": "put a 'pad' with this mode before the convolution",
    "dim": "it is called 'axis' here and counts without the batch: PyTorch's dim 1 is axis 0",
    "num_features": "leave it out: it is inferred from the input",
    "normalized_shape": "leave it out, or name the axes with 'axis'",
    "num_channels": "leave it out: it is inferred from the input",
    "kernel": "it is called 'kernel_size' here",
    "filters": "it is called 'out_channels' here",
    "units": "it is called 'out_features' here",
    "strides": "it is called 'stride' here",
    "dilation_rate": "it is called 'dilation' here",
    "pool_size": "it is called 'kernel_size' here",
    "rate": "it is called 'p' here",
    "use_bias": "it is called 'bias' here",
    "activation": "put the activation behind it, as an item of its own",
    "input_shape": "leave it out: shapes are inferred from the input",
    "negative_slope": "it belongs to 'leaky_relu'",
    "track_running_stats": "it belongs to 'batchnorm'",
}


def argument_hint(name: str) -> str | None:
    """Return a hint for a framework's argument that has another name here, or none."""
    return _ARGUMENTS.get(name)


def type_hint(name: str, blocks: tuple[str, ...]) -> str | None:
    """Return a hint for an unknown layer type: our word for a framework's, or the nearest known one."""
    if " " in name:
        return "an item begins with a dash, in the same column as the one above it"
    bare = re.sub(r"^(torch\.)?(nn\.|keras\.layers\.|layers\.)", "", name)
    word = re.sub(r"_?[123]d(?=transpose$|$)", "", bare.lower()).replace("_", "")
    ours = _ELSEWHERE.get(word) or {known.replace("_", ""): known for known in layer_types()}.get(word)
    if ours is not None:
        return f"it is called '{ours}' here"
    near = did_you_mean(name, (*blocks, "sequence", *layer_types()), "")
    return near or "'cnncalc layers' lists the types; blocks of the spec's own stand under 'blocks'"
