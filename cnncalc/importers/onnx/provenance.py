"""Which stored tensors were learned: the metadata that PyTorch's exporter writes says so, or their names do.

``torch.onnx.export(dynamo=True)`` states of each tensor whether it was a parameter or a buffer of the module.  Of each
tensor that it has folded, it states from which others it was computed: keys of the state_dict, and values in between,
which are named after the operators that computed them (``val_12``, ``expand_3``).  A tensor that was computed from no
parameter was not learned: a grid of positions, a mask.  One that was computed from a single parameter, by transposing
or expanding it, is that parameter.  The metadata do not decide for a tensor that was computed from several others (a
bias for each pair of positions, from a table and an index), nor for a constant that is not an attribute of the module
(LeViT's biases).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.importers.onnx.model import StoredTensor
    from cnncalc.importers.onnx.values import LayerStep

KIND = "pkg.torch.export.graph_signature.InputSpec.kind"
PARAMETER, BUFFER = "PARAMETER", "BUFFER"

FOLDED_BIAS = "weight_bias"
"""The end of the name that PyTorch's exporter gives to the bias of a convolution with a folded batch norm."""

LIFTED = "lifted_tensor_"
"""The beginning of the name that PyTorch's exporter gives to a tensor that is neither a parameter nor a buffer."""

BATCH_NORM = "_native_batch_norm"
"""The beginning of the innermost scope of a batch norm, which PyTorch's exporter states for what it is folded into."""

PERIODIC = ("Sin", "Cos", "sin", "cos")
"""A constant that these operators compute is a table of positions, not a learned tensor."""

FOLDED_BY_RUNTIME = ("ConvBn", "ConvMul", "ConvAdd")
"""What stands before ``Fusion_W_`` or ``Fusion_…B_`` and a tensor's name if ONNX Runtime has folded more into it."""

FOLDED_FROM = "pkg.onnxscript.optimizer.folded_from"

is_buffer_name = re.compile(
    r"(?:^|[._])(?:attn_mask|mask|priors|anchors|anchor_points|stride|strides|grid|inv_freq|freq_inv|bands|periods|t_[xy]|"
    r"num_batches_tracked|running_\w+|\w*_(?:index|idx|indices)|rel(?:ative)?_coords\w*|\w*coords_table|"
    r"pos_embed_(?:cached|sin|cos)|(?:imagenet_)?(?:mean|std))(?:_quantized)?$"
).search
"""Whether the last part of a name is one that modules give to their buffers."""


OPERATORS = r"""
    val node c?_?lifted_tensor tensor_constant abs add addmm alias amax amin any arange argmax as_strided atan2?
    bitwise_\w+ bmm broadcast_to cat ceil clamp clone constant_pad_nd contiguous conv\dd convert_element_type copy cos
    cumsum detach diagonal div einsum empty eq erf exp2? expand eye flatten flip floor floor_divide full full_like
    gather ge getitem gt index index_select interpolate iota item le lift_fresh\w* linspace log log10 log1p log2
    logical_\w+ lt masked_fill matmul maximum mean meshgrid minimum mm movedim mul narrow ne neg new_\w+ ones
    ones_like outer pad permute pow prod reciprocal relu remainder repeat repeat_interleave reshape roll round rsqrt
    rsub scalar_tensor select sigmoid sign sin slice softmax split\w* sqrt squeeze stack sub sum t tanh tensor tile to
    to_copy transpose tril triu true_divide type_as unbind unflatten unfold unsqueeze upsample_\w+ view where zeros
    zeros_like
"""
"""Names that the exporter gives to values that it has computed: an operator's, to which it appends a number."""


@cache
def _generated() -> Callable[[str], re.Match[str] | None]:
    """Return a function that matches the exporter's names; the pattern is compiled when it is first needed."""
    operators = "|".join(OPERATORS.split())
    return re.compile(rf"_*(?:{operators})(?:_default|_tensor|_scalar|_int)?(?:_\d+)*").fullmatch


@lru_cache(maxsize=4096)
def is_generated_name(name: str) -> bool:
    """Whether PyTorch's exporter has named a value after the operator that computed it: ``val_12``, ``expand_3``."""
    return _generated()(name) is not None


@lru_cache(maxsize=4096)
def is_attribute(name: str) -> bool:
    """Whether a tensor's name is the dotted path of a module's attribute: ``stages.0.scale``."""
    return "." in name and "_".join(("", *name.split("."))).replace("-", "_").isidentifier()


is_word = re.compile(r"[A-Za-z]+\d*(?:_[A-Za-z]+\d*)*").fullmatch
"""Whether a name may be that of an attribute of the outermost module: ``cls_token``, ``pos_embed1``."""


def key_of(stored: StoredTensor) -> str:
    """Return a tensor's key in its module's state_dict; "" if the file does not show it.

    A bias named ``conv1.weight_bias``, which a convolution got from a folded batch norm, has no key, nor has a tensor
    that the module holds, but has not registered (LeViT's ``attn.lifted_tensor_0``); a tensor that ONNX Runtime has
    quantised has that of the float model.
    """
    name = stored.key or before_folding(stored.name).removesuffix("_quantized")
    if stored.key or name.endswith(FOLDED_BIAS) or name.rpartition(".")[2].startswith(LIFTED):
        return stored.key
    return name if is_attribute(name) or (is_word(name) and not is_generated_name(name)) else ""


def before_folding(name: str) -> str:
    """Return the name of a weight into which ONNX Runtime has folded an operator; "" of a bias, others as they are."""
    by, folded, rest = name.partition("Fusion_")
    if not folded or by not in FOLDED_BY_RUNTIME:
        return name
    return before_folding(rest.removeprefix("W_")) if rest.startswith("W_") else ""


def was_learned(properties: Mapping[str, str], computed: Collection[str], is_number: bool) -> bool | None:
    """Return whether a stored tensor was learned, by its metadata; None if that does not say so.

    Args:
        properties: its metadata.
        computed: names of the graph's inputs and of its operators' outputs, from whose shapes it may be computed.
        is_number: whether it has one element, as constants of functions have.
    """
    kind = properties.get(KIND)
    if kind in (PARAMETER, BUFFER):
        return kind == PARAMETER
    if not properties.get(FOLDED_FROM, "").strip("[] "):
        return None
    stored = folded_from(properties, computed)
    if all(is_buffer_name(name) for name in stored):
        return False
    return True if len(stored) == 1 and (not is_number or "." in stored[0]) else None


def folded_from(properties: Mapping[str, str], computed: Collection[str]) -> list[str]:
    """Return the keys of the state_dict that a tensor was computed from; see :func:`was_learned`."""
    names = [part.strip(" '\"") for part in properties.get(FOLDED_FROM, "").strip("[] ").split(",")]
    return [name for name in names if name and name not in computed and not is_generated_name(name)]


def has_folded_norm(step: LayerStep) -> bool:
    """Whether an exporter has folded a batch norm into a layer: the bias's name shows it, or the scope."""
    if step.layer.type not in ("conv", "conv_transpose", "linear"):
        return False
    operators = [call.operator for call in step.calls]
    # by the name that the operator reads: equal biases are one stored tensor, which has the name of any of them
    biases = [name for operator in operators for name in operator.inputs[2:3]]
    if any("ConvBnFusion_" in name for operator in operators for name in operator.inputs[1:3]):
        return True
    return any(name.endswith(FOLDED_BIAS) or name.startswith("onnx::Conv_") for name in biases) or any(
        operator.scope[-1].startswith(BATCH_NORM) for operator in operators if operator.scope
    )
