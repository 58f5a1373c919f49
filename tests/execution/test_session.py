"""Sessions: every pass gives the same bytes, on memory that is not used for anything else."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import cnncalc
from cnncalc.execution import session as sessions
from cnncalc.execution import work
from cnncalc.execution.inputs import random_inputs
from cnncalc.execution.kernels import Kernels, kernel, team
from cnncalc.execution.kernels.kernel import HeldWeight, Kernel, Task
from cnncalc.execution.kernels.team import Team
from cnncalc.execution.kernels.threads import Workers
from cnncalc.execution.layout import MemoryPiece, layout
from cnncalc.execution.plan import steps
from cnncalc.execution.planning import RunPlan
from cnncalc.execution.program import BatchProgram
from cnncalc.execution.session import Session
from cnncalc.execution.weights import random_weights
from cnncalc.graph import Graph
from cnncalc.layers import layer_types
from tests.execution.networks import RESIDUAL, single, spec
from tests.layers.building import known

FLAT = """
input: [40, 30]
layers:
  - conv: {out_channels: 64, kernel_size: 1}
  - conv: {out_channels: 64, kernel_size: 5, padding: 2}
  - relu
  - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 4}
"""
DEEP = """
input: [20, 5, 9, 8]
layers:
  - conv: {out_channels: 24, kernel_size: 1}
  - relu
  - conv: {out_channels: 24, kernel_size: 3, padding: 1, stride: [1, 2, 1]}
  - batchnorm
  - relu
  - conv: {out_channels: 24, kernel_size: 1, bias: false}
"""
TOKENS = """
input: [16, 100]
layers:
  - linear: {out_features: 90, axis: 0}
  - linear: {out_features: 90, axis: 0}
  - relu
"""


def picture(*layers: str) -> str:
    """Return a spec in which layers follow a convolution, whose output lies in the arena, unlike the input."""
    return "\n".join(["input: [8, 30, 30]", "layers:", "  - conv: {out_channels: 64, kernel_size: 1}", *layers])


NETWORKS = {
    "residual": RESIDUAL,
    "one axis": FLAT,
    "three axes": DEEP,
    "tokens": TOKENS,
    "pointwise with a stride": picture("  - conv: {out_channels: 64, kernel_size: 1, stride: 2}", "  - relu6"),
    "a single line": picture("  - conv: {out_channels: 64, kernel_size: 1, stride: [30, 1]}"),
    "pointwise with padding": picture("  - conv: {out_channels: 64, kernel_size: 1, padding: 1}"),
    "depthwise": picture("  - relu6", "  - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 64}"),
    "depthwise in lanes": picture("  - conv: {out_channels: 64, kernel_size: 5, padding: 2, stride: 3, groups: 64}"),
    "dilated": picture("  - conv: {out_channels: 64, kernel_size: 3, dilation: 2, groups: 64}", "  - batchnorm"),
    "gathered": picture("  - conv: {out_channels: 40, kernel_size: 5, stride: 2, padding: 1}", "  - gelu"),
    "grouped": picture("  - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 4}", "  - relu"),
    "shallow": picture(
        "  - conv: {out_channels: 3, kernel_size: 1}", "  - conv: {out_channels: 40, kernel_size: 5, padding: 2}"
    ),
    "Winograd": picture(
        "  - relu",
        "  - conv: {out_channels: 128, kernel_size: 3, padding: 1}",
        "  - conv: {out_channels: 64, kernel_size: 5, padding: 2}",
        "  - maxpool: 2",
        "  - conv: {out_channels: 64, kernel_size: 3, padding: 1}",
    ),
    "normalised before": picture(
        "  - maxpool: {kernel_size: 3, stride: 1, padding: 1}",
        "  - batchnorm",
        "  - relu6",
        "  - conv: {out_channels: 64, kernel_size: 3, padding: 1, stride: 2}",
        "  - maxpool: {kernel_size: 3, stride: 1, padding: 1}",
        "  - batchnorm",
        "  - relu",
        "  - conv: {out_channels: 64, kernel_size: 1}",
        "  - batchnorm",
        "  - hardswish",
    ),
    "joined": picture(
        "  - concat:",
        "      paths:",
        "        - - conv: {out_channels: 32, kernel_size: 1}",
        "        - - conv: {out_channels: 32, kernel_size: 3, padding: 1}",
        "  - conv: {out_channels: 64, kernel_size: 1}",
    ),
    "slices": picture(
        "  - concat:",
        "      paths:",
        "        - - slice: {axis: channels, start: 0, stop: 32}",
        "          - conv: {out_channels: 32, kernel_size: 1}",
        "        - - slice: {axis: channels, start: 32}",
        "          - conv: {out_channels: 32, kernel_size: 3, padding: 1}",
    ),
    "dense block": picture(
        *4
        * [
            "  - concat:",
            "      paths:",
            "        - []",
            "        - - conv: {out_channels: 32, kernel_size: 3, padding: 1}",
            "          - relu",
        ],
        "  - conv: {out_channels: 64, kernel_size: 1}",
    ),
}


def prepared(network: Graph, threads: int = 1, pieces: bool = False) -> Session:
    """Return a session with the weights of seed 0, whose threads share the work whichever BLAS there is."""
    session = Session(RunPlan(network, pieces=pieces), random_weights(network, 0), threads=threads)
    session.team, session.blas_threads = Team(threads, pieces), 1
    return session


def outputs(session: Session, seed: int, batch: int = 1) -> dict[str, Any]:
    """Return the outputs of one pass on an input of its own."""
    return session.outputs(random_inputs(session.network, batch, seed, np.dtype(np.float32)))


def as_bytes(arrays: dict[str, Any]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize(("threads", "batch", "pieces"), [(1, 1, False), (1, 1, True), (3, 8, False)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_repeated_pass_gives_what_the_first_gives(name: str, threads: int, batch: int, pieces: bool) -> None:
    network = spec(NETWORKS[name])
    session = prepared(network, threads, pieces)
    for seed in range(4):
        made = outputs(session, seed, batch)
        assert session.program is not None
        session.program.memory.fill(255)  # NaN would show up in the output if memory were read before it is written
        for scratch in session.team._scratch:
            scratch.fill(255)
        assert as_bytes(made) == as_bytes(outputs(prepared(network, threads, pieces), seed, batch))


@pytest.mark.parametrize("threads", [1, 2])
def test_results_stay_when_there_are_more(threads: int) -> None:
    session = prepared(spec(NETWORKS["depthwise"]), threads)
    kept = [outputs(session, seed) for seed in range(4)]
    alone = [outputs(prepared(session.network, threads), seed) for seed in range(4)]
    assert [as_bytes(some) for some in kept] == [as_bytes(other) for other in alone]


def test_another_batch_on_the_way() -> None:
    session = prepared(spec(NETWORKS["normalised before"]))
    for batch in (1, 1, 3, 1, 3, 3, 1):
        assert as_bytes(outputs(session, batch, batch)) == as_bytes(outputs(prepared(session.network), batch, batch))


def test_a_linear_layer_on_many_rows_and_then_on_few() -> None:
    """For many rows the weight is packed; the packed form then serves few rows as well."""
    network = spec("input: [40]\nlayers: [linear: 96, relu]\n")
    session = prepared(network, pieces=True)
    many = outputs(session, 0, 100)["relu1"]
    x = random_inputs(network, 100, 0, np.dtype(np.float32))
    few = session.outputs({name: array[:3] for name, array in x.items()})["relu1"]
    assert np.abs(few - many[:3]).max() < 1e-5


def test_threads_share_what_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    session = prepared(spec(NETWORKS["Winograd"]), threads=3)
    outputs(session, 0, 16)
    numbers: set[int] = set()
    made = kernel.run_all
    barrier = threading.Barrier(3, timeout=10)

    def make(calls: Any) -> None:
        if session.team.workers.number not in numbers:  # each waits once until the others have taken a block
            numbers.add(session.team.workers.number)
            barrier.wait()
        made(calls)

    monkeypatch.setattr(team, "run_all", make)
    found = outputs(session, 1, 16)
    assert numbers == {0, 1, 2}
    assert as_bytes(found) == as_bytes(outputs(prepared(session.network, threads=3), 1, 16))


# --- steps are bound before what they read has been made ----------------------------------------------------------

BETWEEN = picture(
    "  - upsample: 2",
    "  - conv: {out_channels: 8, kernel_size: 3}",
    "  - softmax: 0",
    "  - conv: {out_channels: 8, kernel_size: 1}",
    "  - flatten",
    "  - linear: 6",
    "  - reshape: [2, 3]",
    "  - concat:",
    "      axis: -1",
    "      paths: [[], [tanh]]",
)


def test_layers_that_need_values_stand_between_kernels() -> None:
    network = spec(BETWEEN)
    first, bare = network.run(repeat=3), network.run(fuse=False, layers=None)
    assert first.ok
    np.testing.assert_allclose(first.output, bare.output, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in layer_types() if known(name).one_kernel])
def test_a_layer_of_one_kernel_returns_its_kernels_output(name: str) -> None:
    example = known(name).example
    network = single(example.item, *example.inputs)
    weights = random_weights(network, 0)
    inputs = random_inputs(network, 2, 0, np.dtype(np.float32))
    own = {key.partition(".")[2]: array.copy() for key, array in weights.items()}
    with Session(RunPlan(network), weights) as session:
        made = session.outputs(inputs)["layer"]
        assert session.program is not None
        ((function, _), *_rest) = session.program.calls[0]
        assert function is not work._run_again, "a kernel's calls"
    wanted = network.nodes[0].layer.forward(Kernels(), *inputs.values(), **own)
    np.testing.assert_allclose(made, wanted, rtol=1e-5, atol=1e-5)


def test_a_layer_that_does_more_than_its_kernel_is_run_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a type that wrongly declares `one_kernel` would return its kernel's output."""
    pooled = known("maxpool").forward
    network = spec("input: [2, 6, 6]\nlayers: [relu, maxpool: 2, relu]\n")
    wanted = network.run(repeat=2).output
    monkeypatch.setattr(known("maxpool"), "forward", lambda *given, **weights: pooled(*given, **weights) + 1)
    result = network.run(repeat=2)
    assert result.ok
    assert (result.output == wanted + 1).all()


# --- kernels return calls, and do nothing themselves -----------------------------------------------------------


class _Watched(Kernels):
    """Operations whose memory is watched: kernels are bound, and no call is made."""

    def perform(
        self, kernel: Kernel, inputs: Sequence[Any], weight: HeldWeight | None = None, bias: HeldWeight | None = None
    ) -> Any:
        dtype = inputs[0].dtype
        out = np.full(kernel.shape, 7, dtype)
        room = np.full(kernel.room * out.itemsize, 7, np.uint8)
        before = [array.copy() for array in (out, room, *inputs)]
        for function, args in self.team.bind(kernel, Task(tuple(inputs), out, room, weight, bias)).calls:
            # some blocks are bound when they are first called
            if isinstance(getattr(function, "__self__", None), team._Work):
                function(*args)
        assert all((array == copy).all() for array, copy in zip((out, room, *inputs), before, strict=True))
        return out


CONVOLUTIONS: list[dict[str, Any]] = [
    {"shape": (48, 48, 1, 1)},
    {"shape": (48, 48, 1, 1), "stride": 2},
    {"shape": (48, 48, 3, 3), "padding": 1},
    {"shape": (48, 48, 5, 5), "padding": 2, "stride": 2},
    {"shape": (48, 24, 3, 3), "groups": 2},
    {"shape": (48, 1, 3, 3), "groups": 48, "padding": 1},
    {"shape": (48, 1, 3, 3), "groups": 48, "stride": 2},
]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_kernel_that_is_bound_touches_no_memory(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "run_all", lambda calls: None)
    monkeypatch.setattr(team, "MACS_PER_MICROSECOND", 1)  # threads share even this little work
    ops = _Watched(Team(threads))
    x, bias = np.ones((2, 48, 26, 25), np.float32), np.ones(48, np.float32)
    for options in CONVOLUTIONS:
        ops.conv(x, np.ones(options["shape"], np.float32), bias, **{k: v for k, v in options.items() if k != "shape"})
    ops.conv(x[:, :3], np.ones((8, 3, 7, 7), np.float32), bias[:8], padding=3, stride=2)
    ops.conv_transpose(x, np.ones((48, 8, 2, 2), np.float32), bias[:8], stride=2)
    ops.linear(x, np.ones((10, 48), np.float32), bias[:10], axis=1)
    ops.linear(x[:, :, 0, 0], np.ones((10, 48), np.float32), bias[:10])
    for kind in ("max", "avg"):
        ops.pool(x, kind, kernel_size=3, stride=2, padding=1)
    ops.pool(x, "lp", of=2, kernel_size=2)
    ops.adaptive_pool(x, "avg", output_size=1)
    ops.adaptive_pool(x, "max", output_size=1)
    ops.concat([x, x], 1)


@pytest.mark.parametrize(
    "item", ["batchnorm", "scale", "conv: {out_channels: 100000000, kernel_size: 1}", "prelu: channels"]
)
@pytest.mark.parametrize("keeps", [True, False])
def test_a_plan_takes_no_memory_however_wide_the_layers(item: str, keeps: bool) -> None:
    """The plan predicts the memory of a run, so that it can be refused before any is taken."""
    network = cnncalc.loads(f"input: [100000000, 4, 4]\nlayers:\n  - relu\n  - {item}\n  - relu\n")
    tracemalloc.start()
    try:
        RunPlan(network, keep=network.nodes if keeps else ())
        assert tracemalloc.get_traced_memory()[1] < 1 << 20  # a factor for each channel takes 400 MB
    finally:
        tracemalloc.stop()


# --- the layout ------------------------------------------------------------------------------------------------


def overlapping(pieces: list[MemoryPiece]) -> list[tuple[MemoryPiece, MemoryPiece]]:
    """Return the pairs of pieces that overlap in time and in memory."""
    return [
        (one, other)
        for number, one in enumerate(pieces)
        for other in pieces[:number]
        if one.birth <= other.death and other.birth <= one.death
        if one.start < other.start + other.size and other.start < one.start + one.size
    ]


def lower_bound(pieces: list[MemoryPiece]) -> int:
    """Return the largest number of bytes that are alive in one step, below which no layout can be."""
    return max(sum(piece.size for piece in pieces if piece.birth <= at <= piece.death) for at in range(len(pieces)))


# ratio to the lower bound; a plain greedy layout reached it for 64 of 68 families
@pytest.mark.parametrize(
    ("name", "above"), [("resnet50", 1.0), ("densenet121", 1.0), ("vgg16", 1.0), ("googlenet", 1.05), ("unet", 1.25)]
)
@pytest.mark.parametrize("fuse", [True, False])
def test_tensors_that_live_at_the_same_time_do_not_overlap(name: str, above: float, fuse: bool) -> None:
    network = cnncalc.load(name)
    plan = steps(network, (), fuse)
    laid = layout(network, plan, set(), 2, 4, [0] * len(plan))
    pieces = list({id(piece): piece for piece in laid.homes.values()}.values())
    assert overlapping(pieces) == []
    assert max(piece.start + piece.size for piece in pieces) == laid.size <= above * lower_bound(pieces)


def test_many_pieces_are_laid_out_in_the_order_of_their_births(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.execution.layout.MOST_SORTED", 10)
    network = cnncalc.load("resnet50")
    plan = steps(network, (), True)
    laid = layout(network, plan, set(), 1, 4, [0] * len(plan))
    pieces = list({id(piece): piece for piece in laid.homes.values()}.values())
    assert overlapping(pieces) == []
    assert laid.size <= 1.5 * lower_bound(pieces)


# --- from Python -----------------------------------------------------------------------------------------------


def test_a_session_is_a_network_s_run_again_and_again() -> None:
    network = spec(RESIDUAL)
    weights = random_weights(network, 3)
    kept = {name: array.copy() for name, array in weights.items()}
    with network.prepare(weights=weights, threads=1) as session:
        for seed in range(3):
            x = np.random.default_rng(seed).standard_normal((2, 3, 20, 20), np.float32)
            assert (session(x) == network.run(x, weights=weights, threads=1).output).all()
        assert session(x[0]).shape == (1, 5), "one sample without its batch axis"
        with pytest.raises(cnncalc.CnncalcError, match=r"input 'input' is \(2, 20, 20\), expected \(N, 3, 20, 20\)"):
            session(x[0, 1:])
    assert all((weights[name] == array).all() for name, array in kept.items()), "the caller's stay as they are"


def test_the_first_call_only_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """`prepare` packs weights and binds calls for the batch size that it is given."""
    network = spec(NETWORKS["Winograd"])
    x = random_inputs(network, 3, 0, np.dtype(np.float32))
    wanted = network.prepare(threads=1).outputs(x)
    session = network.prepare(threads=1, batch=3)
    monkeypatch.setattr(Team, "bind", None)
    assert as_bytes(session.outputs(x)) == as_bytes(wanted)
    with pytest.raises(TypeError, match="not callable"):
        session.outputs({name: array[:2] for name, array in x.items()})


def test_several_outputs_come_by_name() -> None:
    network = spec("input: [2, 4, 4]\nlayers:\n  - relu:\n    name: a\n  - flatten:\n    name: b\noutputs: [a, b]\n")
    session = network.prepare(dtype="float64")
    made = session.outputs(-np.ones((1, 2, 4, 4)))
    assert session(np.ones((1, 2, 4, 4))).keys() == made.keys()  # type: ignore[attr-defined]  # a dictionary here
    assert {name: array.shape for name, array in made.items()} == {"a": (1, 2, 4, 4), "b": (1, 32)}
    assert all(array.dtype == np.float64 and not array.any() for array in made.values())
    with pytest.raises(cnncalc.CnncalcError, match="'float16' is none of float32, float64"):
        network.prepare(dtype="float16")


def test_a_network_with_a_wrong_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # correct would be 4 × 4
    monkeypatch.setattr(known("center_crop"), "output_shape", lambda self, shape: (shape[0], 5, 5))
    session = spec("input: [2, 6, 6]\nlayers: [center_crop: 4, flatten, linear: 3]\n").prepare()
    for _ in range(2):  # a pass that was not completed is not repeated
        with pytest.raises(cnncalc.CnncalcError, match=r"'fc1' can't be run: a weight \(3, 50\) does not fit"):
            session(np.zeros((1, 2, 6, 6), np.float32))


def test_a_session_lets_go_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    memories: list[Any] = []

    class Seen(BatchProgram):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            memories.append(weakref.ref(self.memory))

    monkeypatch.setattr(sessions, "BatchProgram", Seen)
    gc.disable()  # calls and their session refer to each other
    try:
        result = spec(RESIDUAL).run(repeat=3, threads=2)
        assert [memory() for memory in memories] == [None]
    finally:
        gc.enable()
    assert result.ok


def test_a_thread_that_waits_keeps_no_memory() -> None:
    workers, array = Workers(2), np.zeros(100)
    held = weakref.ref(array)

    def work(start: int, stop: int, array: Any = array) -> None:
        time.sleep(0.01)  # enough for each thread to take some

    workers.run(work, [(i, i + 1) for i in range(6)])
    del array, work
    for _ in range(500):
        if held() is None:
            break
        time.sleep(0.01)
    assert held() is None
    workers.close()


def test_more_steps_than_are_bound_ahead_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are bound in portions, so that the calls of a very large network are never all in memory."""
    text = "input: [4, 6, 6]\nlayers:\n" + "  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n  - relu\n" * 6
    text += "  - softmax\n  - linear: {out_features: 3, axis: channels}\n"
    whole = cnncalc.loads(text).run(seed=1, repeat=2)
    monkeypatch.setattr("cnncalc.execution.program.MOST_READS_AHEAD", 1)
    parts = cnncalc.loads(text).run(seed=1, repeat=2)
    assert parts.ok
    for name, output in whole.outputs.items():
        assert output.tobytes() == parts.outputs[name].tobytes()
    session = cnncalc.loads(text).prepare(seed=1, batch=1)
    x = np.zeros((1, 4, 6, 6), np.float32)
    assert session(x).tobytes() == session(x).tobytes()
