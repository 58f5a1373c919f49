"""Runs from Python: outputs, kept tensors, folding, repeated passes and reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnncalc
from cnncalc.execution.kernels import team
from cnncalc.execution.layout import layout
from cnncalc.execution.plan import steps
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.session import Session
from cnncalc.execution.verify import run
from cnncalc.execution.weights import expected, random_weights
from cnncalc.figures.memory import peak_elements
from cnncalc.graph import Node
from tests.execution.networks import RESIDUAL, spec
from tests.layers.building import known


def distance(a: Any, b: Any) -> float:
    """Return the largest difference, relative to the largest element."""
    return float(np.abs(a - b).max() / np.abs(b).max())


def test_everything_is_verified() -> None:
    network = spec(RESIDUAL)
    result = network.run(batch=3)
    assert result.ok
    assert result.verified == len(network.nodes) == len(result.layers)
    assert result.output.shape == (3, 5)
    assert [row.node for row in result.layers] == network.nodes
    assert all(row.actual == (3, *row.node.shape) for row in result.layers)
    assert result.seconds > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_folding_changes_nothing(threads: int) -> None:
    network = spec(RESIDUAL)
    folded = network.run(batch=2, threads=threads)
    alone = network.run(batch=2, threads=threads, fuse=False)
    exact = network.run(batch=2, dtype="float64", fuse=False)
    fused = {row.node.layer.type for row in folded.layers if row.fused_into}
    assert {"batchnorm", "relu", "relu6", "silu", "add", "hardswish"} <= fused
    assert not any(row.fused_into for row in alone.layers)
    assert distance(folded.output, alone.output) < 1e-5
    assert distance(alone.output, exact.output) < 1e-5
    assert distance(network.run(batch=2, dtype="float64").output, exact.output) < 1e-12


def test_every_tensor_on_request() -> None:
    network = spec(RESIDUAL)
    everything = network.run(layers=None)
    assert list(everything.tensors) == [node.name for node in network.nodes]
    assert all(array.shape == (1, *network.nodes[i].shape) for i, array in enumerate(everything.tensors.values()))
    before = everything.tensors["joined"].copy()
    assert (before >= 0).all()
    some = network.run(layers=["joined", "conv1"])
    assert list(some.tensors) == ["joined", "conv1"]
    assert distance(some.tensors["joined"], before) < 1e-5
    assert (some.tensors["conv1"] < 0).any(), "what comes before the rectifier, not behind it"
    with pytest.raises(cnncalc.CnncalcError, match="no layer 'joint'"):
        network.run(layers=["joint"])


def test_the_same_seed_gives_the_same_bytes() -> None:
    network = spec(RESIDUAL)
    one, two, other = (random_weights(network, seed, threads=threads) for seed, threads in ((1, 1), (1, 2), (2, 1)))
    assert list(one) == list(two) == [item.name for item in expected(network)]
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert all(one[name].tobytes() != other[name].tobytes() for name in one)
    first, second = network.run(seed=1), network.run(seed=1)
    assert first.output.tobytes() == second.output.tobytes()
    assert distance(network.run(seed=1, threads=2).output, first.output) < 1e-5


def test_weights_and_input_from_outside() -> None:
    network = spec("input: [2]\nlayers:\n  - linear: 2\n  - relu\n")
    weights = {"fc1.weight": np.array([[1.0, 2.0], [-3.0, 4.0]]), "fc1.bias": np.array([0.5, -10.0])}
    result = network.run(np.array([[1.0, 3.0]]), weights=weights)
    assert result.dtype == "float64"
    assert result.output.tolist() == [[7.5, 0.0]]  # 1 + 6 + ½, and −3 + 12 − 10 < 0
    assert network.run(np.array([[1.0, 3.0]], np.float32), weights=weights).output.dtype == np.float32


def test_several_inputs_and_outputs() -> None:
    network = spec(
        """
input: {left: [2], right: [2]}
layers:
  - add:
    name: sum
    from: [left, right]
  - concat:
    name: both
    from: [left, sum]
outputs: [sum, both]
"""
    )
    result = network.run({"right": np.array([[10.0, 20.0]]), "left": np.array([[1.0, 2.0]])})
    assert {name: array.tolist() for name, array in result.outputs.items()} == {
        "sum": [[11, 22]],
        "both": [[1, 2, 11, 22]],
    }
    assert network.run().ok
    with pytest.raises(cnncalc.CnncalcError, match="2 inputs, but one array"):
        network.run(np.zeros((1, 2)))
    with pytest.raises(cnncalc.CnncalcError, match="2 outputs"):
        _ = result.output


def test_shared_weights() -> None:
    network = spec(
        """
input: [4, 6, 6]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
    name: shared
  - batchnorm
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
    weights: shared
  - batchnorm
"""
    )
    assert [item.name for item in expected(network) if item.node.layer.type == "conv"] == [
        "shared.weight",
        "shared.bias",
    ]
    assert distance(network.run().output, network.run(fuse=False).output) < 1e-5


def test_an_input_that_is_an_output() -> None:
    network = spec("input: [3, 4, 4]\nlayers:\n  - identity:\n    name: same\n  - dropout\n")
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4))
    assert (network.run(x).output == x).all()


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "mobilenet_v2"])
def test_tensors_are_let_go_after_their_last_use(name: str) -> None:
    network = cnncalc.load(name)
    for fuse in (False, True):
        plan = steps(network, (), fuse)
        pieces = layout(network, plan, set(), 1, 4, [0] * len(plan)).homes.values()
        alive = [sum(piece.size for piece in pieces if piece.birth <= at <= piece.death) for at in range(len(plan))]
        peak = 4 * peak_elements(network)[0]
        assert max(alive) < peak if fuse else max(alive) == peak


@pytest.mark.parametrize("name", ["resnet152", "efficientnet_b0", "densenet201", "cifar_resnet110", "vgg19"])
def test_activations_stay_finite_in_deep_networks(name: str) -> None:
    result = cnncalc.load(name, input=(3, 32, 32)).run()
    assert result.ok
    assert result.finite
    assert 0.01 < result.output.std() < 100


def test_the_first_layer_that_is_not_finite_is_reported() -> None:
    network = spec(RESIDUAL)
    weights = random_weights(network)
    weights["joined_is_fine.weight"] = weights.pop("fc1.weight")
    with pytest.raises(cnncalc.CnncalcError, match=r"missing: fc1\.weight") as caught:
        network.run(weights=weights)
    assert "left over: joined_is_fine.weight" in str(caught.value)
    weights["fc1.weight"] = np.full_like(weights.pop("joined_is_fine.weight"), 10)
    weights["first.weight"][:] = 0
    weights["first.bias"][:] = 3e38  # still finite; ten times this is not
    result = network.run(np.ones((1, 3, 20, 20), np.float32), weights=weights)
    assert not result.finite
    assert result.first == "fc1"
    assert result.ok, "shapes hold all the same"


@pytest.mark.parametrize(("end", "finite"), [("softmax", True), ("relu", True), ("neg", False), ("identity", False)])
def test_a_mask_of_minus_infinity_is_no_fault(end: str, finite: bool) -> None:
    """It is one in an output, and where it becomes +∞."""
    network = spec(f"input: [3]\nlayers:\n  - parameter: [3]\n    name: p\n  - add:\n    from: [input, p]\n  - {end}\n")
    mask = {"p.weight": np.array([0, -np.inf, 0], np.float32)}
    assert network.run(np.zeros((1, 3), np.float32), weights=mask).finite is finite
    for wrong in (np.inf, np.nan):
        with pytest.raises(cnncalc.CnncalcError, match=r"not finite: p\.weight has NaN or infinite elements"):
            network.run(weights={"p.weight": np.array([0, wrong, 0], np.float32)})


def test_layers_after_a_mismatch_are_reported_and_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = known("center_crop")
    monkeypatch.setattr(cls, "output_shape", lambda self, shape: (shape[0], 5, 5))  # correct would be 4 × 4
    network = spec("input: [2, 6, 6]\nlayers:\n  - center_crop: 4\n  - flatten\n  - linear: 3\n  - relu\n")
    result = network.run()
    assert [row.shape_holds(1) for row in result.layers] == [False, False, False, False]
    assert result.layers[0].actual == (1, 2, 4, 4)
    assert "fc1" not in result.outputs
    assert "does not fit" in result.layers[2].fault


def test_too_little_memory_is_reported_before_the_start() -> None:
    with pytest.raises(cnncalc.CnncalcError, match=r"^max_memory: the run needs .* more than 10 MiB"):
        run(cnncalc.load("vgg16"), max_memory=10 << 20)


@pytest.mark.parametrize("repeat", [1, 2, 3])
def test_progress_and_repetition(repeat: int) -> None:
    network = spec(RESIDUAL)
    reported: list[tuple[int, int]] = []
    result = network.run(repeat=repeat, progress=lambda done, total, name: reported.append((done, total)))
    count = len(steps(network, (), True))
    assert reported == [(i, repeat * count) for i in range(repeat * count)]
    assert result.ok


CLIPPED = """
input: [32, 30, 31]
layers:
  - batchnorm
  - {before}
  - {clip}
  - conv: {{out_channels: 32, {conv}}}
"""


@pytest.mark.parametrize("clip", ["relu", "relu6"])
@pytest.mark.parametrize("before", ["dropout", "conv: {out_channels: 32, kernel_size: 1}"])
@pytest.mark.parametrize(
    "conv",
    [
        "kernel_size: 3, padding: 1, groups: 32",
        "kernel_size: 3, padding: [0, 1], groups: 32, stride: 2",
        "kernel_size: 5, padding: same, groups: 32",
        "kernel_size: 3, padding: 1",  # Winograd
        "kernel_size: 3, padding: 1, stride: 2",
        "kernel_size: 3, padding: 2, groups: 4",
        "kernel_size: 3",
        "kernel_size: 1, padding: 1",
    ],
)
def test_a_rectifier_is_left_to_the_convolution_that_copies_its_input(clip: str, before: str, conv: str) -> None:
    network = spec(CLIPPED.format(clip=clip, before=before, conv=conv))
    folded, alone = network.run(batch=2), network.run(batch=2, fuse=False)
    assert distance(folded.output, alone.output) < 1e-5
    left = "padding" in conv and "kernel_size: 1" not in conv
    carrier = {row.node.layer.type: row.fused_into for row in folded.layers}[clip]
    assert carrier == (network.nodes[-1].name if left else "" if before == "dropout" else network.nodes[1].name)


def test_a_rectifier_before_few_channels_or_one_axis() -> None:
    for size, conv in (([3, 40, 40], "kernel_size: 7, padding: 3, stride: 2"), ([8, 50], "kernel_size: 3, padding: 1")):
        network = spec(f"input: {size}\nlayers:\n  - relu\n  - conv: {{out_channels: 16, {conv}}}\n")
        folded = network.run(batch=2)
        assert folded.layers[0].fused_into == folded.layers[1].node.name
        assert distance(folded.output, network.run(batch=2, fuse=False).output) < 1e-5


def test_a_rectifier_behind_scales_that_are_not_positive() -> None:
    """The convolution gives max(−2·1 + 5, 0) + 10·max(−1·4 + 1, 0) + 100·max(3·9 + 2, 0), by hand; the scales could be folded
    into its weight only if all of them were positive.
    """
    network = spec(
        "input: [3, 1, 1]\nlayers:\n  - batchnorm: {eps: 0}\n  - relu\n  - conv: {out_channels: 1, kernel_size: 1}\n"
    )
    weights = {
        "bn1.weight": [-2, -1, 3], "bn1.bias": [5, 1, 2], "bn1.running_mean": [0, 0, 0], "bn1.running_var": [1, 1, 1],
        "conv1.weight": [[[[1]], [[10]], [[100]]]], "conv1.bias": [0],
    }  # fmt: skip
    given = {name: np.array(values, np.float32) for name, values in weights.items()}
    x = np.array([1, 4, 9], np.float32).reshape(3, 1, 1)
    result = network.run(x, weights=given)
    assert [row.fused_into for row in result.layers] == ["conv1", "conv1", ""]
    assert result.output.ravel().tolist() == [3 + 0 + 2900]


@pytest.mark.parametrize(
    "items",
    [
        # an input that is stretched, or the same for all samples, is no residual of the convolution
        "  - global_avgpool:\n    name: p\n  - conv: {out_channels: 4, kernel_size: 1}\n    from: input\n  - add:\n    from: [conv1, p]\n",
        "  - parameter: [4, 6, 6]\n    name: p\n  - conv: {out_channels: 4, kernel_size: 1}\n    from: input\n  - add:\n    from: [conv1, p]\n",
        # the scales of channels don't belong to the rows of this weight
        "  - linear: {out_features: 6, axis: -1}\n  - batchnorm\n",
        # an activation with weights of its own
        "  - conv: {out_channels: 6, kernel_size: 3}\n  - prelu: channels\n",
    ],
)
def test_what_does_not_fit_a_step_stays_beside_it(items: str) -> None:
    network = spec(f"input: [4, 6, 6]\nlayers:\n{items}")
    folded, alone = network.run(batch=3), network.run(batch=3, fuse=False)
    assert folded.ok
    assert distance(folded.output, alone.output) < 1e-5
    assert {row.fused_into for row in folded.layers} == {""}


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_layer_holds_if_it_sums_as_many_products_as_are_counted(more: int) -> None:
    """LeNet-5's first layer: 28·28 windows of 25 taps, 6 filters, on two samples."""
    network = cnncalc.load("lenet5")
    row = network.run(batch=2).layers[0]
    assert row.tally is not None
    assert row.tally.direct == 2 * 28 * 28 * 25 * 6
    assert row._replace(tally=row.tally._replace(direct=row.tally.direct + more)).holds(2) == (more == 0)


@pytest.mark.parametrize("sign", [-1, 1])
def test_integers_that_float32_can_t_hold_are_refused(sign: int) -> None:
    network = spec("input: [1]\nlayers: [identity]\n")
    assert network.run(np.array([[sign * 2**24]])).output.tolist() == [[sign * 2.0**24]]
    with pytest.raises(cnncalc.CnncalcError, match="integers beyond 16,777,216"):
        network.run(np.array([[sign * 2**24 + sign]]))


def test_only_the_last_layer_of_a_step_is_blamed_for_its_output() -> None:
    """10 · 1 is finite, and that times 3e38 is not."""
    network = spec("input: [1, 1, 1]\nlayers:\n  - conv: {out_channels: 1, kernel_size: 1, bias: false}\n  - scale\n")
    weights = {"conv1.weight": np.ones((1, 1, 1, 1), np.float32), "scale1.weight": np.full(1, 3e38, np.float32)}
    result = network.run(np.full((1, 1, 1), 10, np.float32), weights=weights)
    assert [(row.fused_into, row.finite) for row in result.layers] == [("", True), ("conv1", False)]


def test_the_largest_of_two_outputs_come_first() -> None:
    result = spec("input: [2]\nlayers: [identity]\n").run(np.array([1, 3], np.float32))
    assert result.top() == [(1, 3.0), (0, 1.0)]


def test_an_output_that_is_not_a_number_is_the_same_in_each_pass() -> None:
    result = spec("input: [4]\nlayers:\n  - log\n").run(np.array([1, 2, -1, 0], np.float32), repeat=2)
    assert np.isnan(result.output).sum() == 1
    assert result.ok


def test_given_weights_are_left_as_they_are() -> None:
    network = spec(RESIDUAL)
    weights = random_weights(network, 3)
    kept = {name: array.copy() for name, array in weights.items()}
    first = network.run(weights=weights, batch=2)
    assert all((weights[name] == array).all() for name, array in kept.items())
    assert network.run(weights=weights, batch=2).output.tobytes() == first.output.tobytes()


def test_a_weight_that_is_packed_is_freed() -> None:
    network = spec("input: [64, 28, 28]\nlayers:\n  - conv: {out_channels: 64, kernel_size: 3, padding: 1}\n")
    session = Session(RunPlan(network), random_weights(network))
    (folded,) = session.folded
    held = folded.weights["weight"]
    assert held.plain is not None
    x = np.ones((1, 64, 28, 28), np.float32)
    first = session(x)
    assert held.plain is None
    assert list(held.forms) == ["F4"]
    assert (session(x) == first).all()


def test_a_weight_that_two_layers_use_stays() -> None:
    item = "conv: {out_channels: 64, kernel_size: 3, padding: 1}"
    network = spec(f"input: [64, 28, 28]\nlayers:\n  - {item}\n    name: one\n  - {item}\n    weights: one\n")
    session = Session(RunPlan(network), random_weights(network))
    session(np.ones((1, 64, 28, 28), np.float32))
    one, two = (folded.weights["weight"] for folded in session.folded)
    assert one is two, "and its form is made once"
    assert one.plain is not None


GROWN = """  - concat:
      paths:
        - []
        - - relu
          - conv: {{out_channels: {extra}, kernel_size: 3, padding: 1}}
    name: grown{i}
"""
DENSE = (
    "input: [4, 40, 40]\nlayers:\n"
    + "".join(GROWN.format(i=i, extra=24 if i == 3 else 8) for i in range(5))
    + "  - concat:\n    from: [grown1, grown0]\n"
)


def test_concatenations_that_go_on_share_memory_and_spoil_nothing() -> None:
    network = spec(DENSE)
    plan = steps(network, (), True)
    homes = layout(network, plan, set(), 1, 4, [0] * len(plan)).homes
    chain = [step.output for step in plan if step.carrier.layer.type == "concat"]
    pieces = [homes[tensor] for tensor in chain]
    assert all(piece is pieces[0] for piece in pieces[:5])
    assert pieces[0].width == 4 + 8 + 8 + 8 + 24 + 8
    assert pieces[5] is not pieces[0], "the last begins with the second once more"
    x = np.random.default_rng(0).standard_normal((2, 4, 40, 40)).astype(np.float32)
    result = network.run(x, layers=None)
    arrays = {tensor: result.tensors[tensor.name] for tensor in network.nodes}
    for node in network.nodes:
        if node.layer.type == "concat":
            parts = [arrays[part] if isinstance(part, Node) else x for part in node.inputs]
            assert (arrays[node] == np.concatenate(parts, 1)).all()


def test_a_kept_view_is_not_overwritten() -> None:
    """Without fusion, the negation may use the memory of the magnitude, of which a dropout's output is a view."""
    x = np.linspace(-1, 1, 64, dtype=np.float32)[None]
    result = spec("input: [64]\nlayers: [abs, dropout, neg, exp]\n").run(x, layers=["dropout1"], repeat=2)
    assert (result.tensors["dropout1"] == abs(x)).all()


@pytest.mark.parametrize("kept", ["grown0", "grown2"])
def test_a_kept_concatenation_leaves_its_chain(kept: str) -> None:
    network = spec(DENSE)
    x = np.random.default_rng(0).standard_normal((2, 4, 40, 40)).astype(np.float32)
    result, every = network.run(x, layers=[kept], repeat=2), network.run(x, layers=None)
    assert result.ok
    assert distance(result.output, every.output) < 1e-5
    assert distance(result.tensors[kept], every.tensors[kept]) < 1e-5


def test_two_concatenations_share_memory() -> None:
    relu, join = "  - relu:\n    name: {}\n", "  - concat:\n    from: [{}, {}]\n    name: {}\n"
    text = relu.format("a") + join.format("a", "a", "b") + relu.format("c") + join.format("b", "c", "d")
    network = spec(f"input: [4, 8, 8]\nlayers:\n{text}")
    plan = steps(network, (), True)
    homes = layout(network, plan, set(), 1, 4, [0] * len(plan)).homes
    assert homes[network.nodes[1]] is homes[network.nodes[3]]
    assert homes[network.nodes[1]].death == 4, "the second is an output, which lives behind all steps"


@pytest.mark.parametrize("shape", [[4, 17], [4, 9, 8], [4, 5, 6, 7]])
@pytest.mark.parametrize(
    "carrier",
    [
        "conv: {out_channels: 4, kernel_size: 3, padding: same}",
        "conv: {out_channels: 4, kernel_size: 5, padding: 2, groups: 2}",
        "conv: {out_channels: 4, kernel_size: 3, padding: 1, groups: 4}",
        "conv: {out_channels: 4, kernel_size: 1}",
        "linear: {out_features: 4, axis: 0}",
    ],
)
def test_a_residual_joins_a_contraction_of_any_rank(carrier: str, shape: list[int]) -> None:
    """A residual TCN (locuslab/TCN#44) was "not proven": the kernel of one axis got its residual in another shape."""
    network = spec(f"input: {shape}\nlayers:\n  - add:\n      paths:\n        - []\n        - - {carrier}\n  - relu\n")
    folded, alone = network.run(batch=2, dtype="float64"), network.run(batch=2, dtype="float64", fuse=False)
    assert folded.ok
    assert [row.fused_into for row in folded.layers] == ["", network.nodes[0].name, network.nodes[0].name]
    assert distance(folded.output, alone.output) < 1e-12


@pytest.mark.parametrize("kind", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [-4, -3, -2, -1, 0, 1, 2, 3])
def test_random_weights_before_and_after_a_softmax_of_any_axis(kind: str, axis: int) -> None:
    """GCNet's mask, a softmax over positions, raised AxisError: weights were scaled by a sample without axes."""
    conv = "conv: {out_channels: 5, kernel_size: 1}"
    result = spec(f"input: [3, 6, 5, 4]\nlayers:\n  - {conv}\n  - {kind}: {axis}\n  - {conv}\n").run()
    assert result.ok
    assert 0.1 < result.output.std() < 10


def test_a_repeated_pass_that_gives_other_bytes_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = team.Team.bind

    def more(self: Any, kernel: Any, task: Any, again: bool = True) -> Any:
        found = bind(self, kernel, task, again)
        first = iter([1])
        # only the first pass has this element
        found.calls.append((lambda: np.add(task.out, next(first, 0), out=task.out), ()))
        return found

    network = spec("input: [8, 40, 40]\nlayers:\n  - relu\n" + "  - conv: {out_channels: 64, kernel_size: 1}\n" * 3)
    assert network.run(repeat=4).ok
    monkeypatch.setattr(team.Team, "bind", more)
    result = network.run(repeat=4)
    assert result.unstable == "conv3"
    assert not result.ok
    assert result.mismatches == []


def test_kernels_after_a_wrong_rule_fit_the_real_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan made from a wrong shape does not matter: the layers after it run on the real shapes."""
    # correct would be 12 × 12
    monkeypatch.setattr(known("upsample"), "output_shape", lambda self, shape: (shape[0], 9, 9))
    layers = "[upsample: {scale_factor: 2}, conv: {out_channels: 3, kernel_size: 3}, maxpool: 2]"
    result = spec(f"input: [2, 6, 6]\nlayers: {layers}\n").run(repeat=2)
    assert [row.actual for row in result.layers] == [(1, 2, 12, 12), (1, 3, 10, 10), (1, 3, 5, 5)]
    assert result.verified == 0
