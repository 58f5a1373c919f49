"""Other tools' counts: the figure that each would print for a network, and why it differs from ``macs``.

Each layer is taken as PyTorch's module of that name (``batchnorm`` is ``nn.BatchNorm2d``), merges as the operators
``+`` and ``*``, padding as figures (fvcore has no rule for the operator that ``padding='same'`` becomes, and counts
such a convolution 0), in inference mode. The rules are those of the tools' source code at the named release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnncalc.figures import convention_rules as rules
from cnncalc.graph import Graph, Node
from cnncalc.ground.near import by_word
from cnncalc.layers.base import Layer, Use

UNDEFINED = ("locally_connected",)
"""Types that PyTorch does not have, so that no tool defines their cost."""

CountRule = Callable[[Use, int], "int | None"]
"""A function from a layer's use and the batch to a tool's figure; None if the tool has none. Its docstring is shown."""


class Convention(NamedTuple):
    """A tool's way of counting.

    Attributes:
        name: name for ``--convention``.
        figure: the tool's name for its count.
        release: the release from whose source the rules are taken.
        source: the location of the source.
        counts: one line on what it counts.
        by_type: the rules by layer type; this tool counts nothing for other types.
        others: the rule for all other types, or None.
    """

    name: str
    figure: str
    release: str
    source: str
    counts: str
    by_type: Mapping[str, CountRule]
    others: CountRule | None = None

    @property
    def title(self) -> str:
        """The figure's name with the tool."""
        return f"{self.figure} ({self.name})"

    def rule(self, layer_type: str) -> CountRule | None:
        """Return the rule for a layer type; None if the tool ignores it."""
        return self.by_type.get(layer_type, self.others)

    def of(self, use: Use, batch: int) -> int | None:
        """Return the tool's figure for a layer's use; None if it is not defined."""
        if not use.layer.elsewhere.compared:
            return None
        rule = self.rule(use.layer.type)
        return rule(use, batch) if rule else 0


TOOLS = {
    convention.name: convention._replace(by_type=by_word(convention.by_type))
    for convention in (
        Convention(
            "torchinfo",
            "mult-adds",
            "1.8.0",
            "https://github.com/TylerYep/torchinfo, torchinfo/layer_info.py, calculate_macs",
            "parameters × output positions of a convolution, parameters × batch of every other module",
            {
                "conv conv_transpose": rules.filters_at_outputs,
                "lstm gru rnn": rules.parameters_at_steps,
                "scale shift parameter": rules.undefined_parameter,
            },
            rules.params_times_batch,
        ),
        Convention(
            "fvcore",
            "FLOPs",
            "0.1.5",
            "https://github.com/facebookresearch/fvcore, fvcore/nn/flop_count.py and jit_handles.py",
            "one per multiply-accumulate, normalisation, adaptive average pooling and upsampling of maps",
            {
                "conv conv_transpose linear matmul": rules.macs,
                "einsum": rules.halved_path,
                "batchnorm": rules.batchnorm,
                "layernorm groupnorm instancenorm": rules.normalised,
                "adaptive_avgpool global_avgpool": rules.flat_pool,
                "upsample": rules.resized,
                "grid_sample": rules.four_per_output,
            },
        ),
        Convention(
            "ptflops",
            "MACs",
            "0.7.5, backend aten",
            "https://github.com/sovrasov/flops-counter.pytorch, ptflops/aten_ops.py",
            "multiply-accumulates, and one per output element for a bias",
            {
                "conv conv_transpose linear": rules.macs_and_bias,
                "matmul": rules.macs,
                "einsum": rules.path_products,
                "attention": rules.attention_of_one_head,
                "gru rnn": rules.cell_products,
            },
        ),
        Convention(
            "thop",
            "MACs",
            "0.1.1",
            "https://github.com/Lyken17/pytorch-OpCounter, thop/profile.py and vision/basic_hooks.py",
            "multiply-accumulates, 4 per element of batchnorm, average pooling, softmax; only modules are seen",
            {
                "conv conv_transpose": rules.convolved_at_outputs,
                "linear": rules.macs,
                "batchnorm layernorm instancenorm": rules.doubled_norm,
                "lstm gru rnn": rules.recurrent_cell,
                "prelu avgpool": rules.one_per_output,
                "softmax": rules.softmax,
                "adaptive_avgpool global_avgpool": rules.adaptive_pool,
                "upsample": rules.interpolated,
            },
        ),
        Convention(
            "calflops",
            "FLOPs",
            "0.3.2",
            "https://github.com/MrYxJ/calculate-flops.pytorch, calflops/pytorch_ops.py",
            "2 · macs, the bias of convolutions, normalisation, most activations, the input of poolings",
            {
                "conv": rules.conv_flops,
                "conv_transpose": rules.conv_transpose_flops,
                "linear matmul": rules.linear_flops,
                "einsum": rules.path_flops,
                "lstm gru rnn": rules.cell_flops,
                "batchnorm": rules.batchnorm,
                "layernorm groupnorm instancenorm": rules.normalised,
                "lrn": rules.lrn_flops,
                "maxpool avgpool": rules.pool_flops,
                "lppool": rules.lppool_flops,
                "adaptive_avgpool adaptive_maxpool global_maxpool": rules.one_per_input,
                "global_avgpool": rules.global_pool_flops,
                "upsample": rules.resized_flops,
                "relu leaky_relu prelu elu gelu silu softmax": rules.one_per_input,
            },
        ),
    )
}
"""The tools' conventions by name. calflops ignores ReLU6, which PyTorch runs as hardtanh."""


# --- why the totals differ -----------------------------------------------------------------------------------


class CountDifference(NamedTuple):
    """The layers of one type whose figure differs from ``macs``, and the tool's rule for them."""

    type: str
    layers: int
    macs: int
    counted: int | None
    rule: str


class Account(NamedTuple):
    """A tool's total for a network; with ``macs``, the differences add up to it."""

    convention: Convention
    total: int
    macs: int
    differences: list[CountDifference]


def accounts(network: Graph) -> list[Account]:
    """Return each tool's total for a network, with the differences from ``macs`` by layer type."""
    return [_account(network, convention) for convention in TOOLS.values()]


def _account(network: Graph, convention: Convention) -> Account:
    of_types: dict[str, list[Node]] = {}
    for node in network.nodes:
        of_types.setdefault(node.layer.type, []).append(node)
    differences, total = [], 0
    for layer_type, of_type in of_types.items():
        counts = [convention.of(node.use, node.copies()) for node in of_type]
        macs, some = sum([node.macs() for node in of_type]), sum([count or 0 for count in counts])
        counted = None if None in counts else some
        total += some
        if counted != macs:
            rule = _explained(convention, of_type[0].layer)
            differences.append(CountDifference(layer_type, len(of_type), macs, counted, rule))
    return Account(convention, total, sum([node.macs() for node in network.nodes]), differences)


def _explained(convention: Convention, layer: Layer) -> str:
    if layer.type in UNDEFINED:
        return "not defined: PyTorch has no such layer"
    if not layer.elsewhere.compared:
        return "unknown: the type has not been compared with the tool"
    rule = convention.rule(layer.type)
    return (rule.__doc__ or "") if rule else "nothing: the tool has no rule for it"
