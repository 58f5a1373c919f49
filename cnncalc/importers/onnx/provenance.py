"""What was learned, by what PyTorch's exporter writes beside a stored tensor, and by its name.

``torch.onnx.export(dynamo=True)`` writes with each tensor whether it was a parameter or a buffer of the module, and
with each that it has computed beforehand what it was computed from: the keys of the state_dict that went into it, and
the values in between, which are called as the operators that made them (``val_12``, ``expand_3``).  A tensor into which
no parameter went was not learned: a grid of positions, a mask.  One parameter that was turned or stretched is one.
That says nothing of what is computed from several (a bias of each pair of positions, of a table and an index), nor of a
constant that is no attribute of the module (LeViT's biases).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.importers.onnx.model import StoredTensor

KIND = "pkg.torch.export.graph_signature.InputSpec.kind"
FOLDED_BIAS = "weight_bias"
"""How PyTorch's exporter ends the name of the bias that a batch norm becomes in the convolution before it."""

FOLDED_FROM = "pkg.onnxscript.optimizer.folded_from"

is_buffer_name = re.compile(
    r"(?:^|[._])(?:attn_mask|mask|anchors|anchor_points|stride|strides|grid|inv_freq|freq_inv|bands|periods|t_[xy]|"
    r"num_batches_tracked|running_\w+|\w*_(?:index|idx|indices)|rel(?:ative)?_coords\w*|\w*coords_table|"
    r"pos_embed_(?:cached|sin|cos)|(?:imagenet_)?(?:mean|std))(?:_quantized)?$"
).search
"""Whether a name's last part is one that modules give to what they do not learn."""


OPERATORS = r"""
    val node c?_?lifted_tensor tensor_constant abs add addmm alias amax amin any arange argmax as_strided atan2?
    bitwise_\w+ bmm broadcast_to cat ceil clamp clone constant_pad_nd contiguous convert_element_type copy cos
    cumsum detach diagonal div einsum empty eq erf exp expand eye flatten flip floor floor_divide full full_like
    gather ge getitem gt index index_select interpolate iota item le lift_fresh\w* linspace log log2 logical_\w+ lt
    masked_fill matmul maximum mean meshgrid minimum mm movedim mul narrow ne neg new_\w+ ones ones_like outer pad
    permute pow prod reciprocal relu remainder repeat repeat_interleave reshape roll round rsqrt rsub scalar_tensor
    select sigmoid sign sin slice softmax split\w* sqrt squeeze stack sub sum t tanh tensor tile to to_copy
    transpose tril triu true_divide type_as unbind unflatten unfold unsqueeze upsample_\w+ view where zeros
    zeros_like
"""
"""What values are called that are computed before a model is written: by the operator that made them, and a number."""


@cache
def _generated() -> Callable[[str], re.Match[str] | None]:
    """Return what finds names that the exporter makes, compiled where a file has such tensors."""
    made = "|".join(OPERATORS.split())
    return re.compile(rf"_*(?:{made})(?:_default|_tensor|_scalar|_int)?(?:_\d+)*").fullmatch


def is_generated_name(name: str) -> bool:
    """Whether a value is called as the operator that made it: PyTorch's exporter writes ``val_12``, ``expand_3``."""
    return _generated()(name) is not None


def is_attribute(name: str) -> bool:
    """Whether a tensor's name is the dotted path of a module's attribute: ``stages.0.scale``."""
    return "." in name and "_".join(("", *name.split("."))).replace("-", "_").isidentifier()


is_word = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)*").fullmatch
"""Whether a name may be that of an attribute of the outermost module: ``cls_token``."""


def key_of(stored: StoredTensor) -> str:
    """Return a tensor's key in its module's state_dict, as far as the file says; "" if it does not.

    The bias that a folded batch norm leaves to a convolution, ``conv1.weight_bias``, is none.
    """
    name = stored.key or stored.name
    if stored.key or name.endswith(FOLDED_BIAS):
        return stored.key
    return name if is_attribute(name) or (is_word(name) and not is_generated_name(name)) else ""


def was_learned(properties: Mapping[str, str], computed: Collection[str], is_number: bool) -> bool | None:
    """Return whether a stored tensor was learned, by what is written beside it; None if nothing is.

    Args:
        properties: what is written beside it.
        computed: names of the graph's inputs and of what its operators make, whose shapes may have gone into it.
        is_number: whether it has one element, as the constants of functions that the exporter writes out.
    """
    kind = properties.get(KIND)
    if kind in ("PARAMETER", "BUFFER"):
        return kind == "PARAMETER"
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
