"""A short, reproducible part of the fuzzer, and the proof that it can find faults.

To see it find an old fault in the code itself, put the fault back and run ``python -m tests.fuzz --seconds 20``:

* a residual that reaches a kernel in another shape than its output (until November 2026 any 1-D kernel above 1 before
  a two-input add was "not proven"): let `WithWeight.arranged` return `x`;
* a sample of activations without axes (random weights for a softmax on a positive axis raised AxisError): let
  `initial_scale._whole` return `node.layer.forward(Kernels(), sample[None])[0]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from random import Random
from time import process_time

import numpy as np
import pytest

from cnncalc.execution import initial_scale
from cnncalc.execution.kernels import Kernels
from cnncalc.execution.kernels.parts import WithWeight
from cnncalc.layers import layer_types
from cnncalc.layers.activation.relu import ReLU
from cnncalc.layers.pooling._regions import AdaptivePool
from cnncalc.layers.pooling._windowed import WindowPool
from tests.execution.networks import spec as build
from tests.fuzz import exported, grown, hostile, networks, running, wrong
from tests.fuzz.rounding import disturbed
from tests.patience import PATIENCE

NETWORKS = range(2_000, 2_040)
WITH_RESIDUALS = range(2_240, 2_290)  # some of them with one axis
WITH_SOFTMAX = range(2_040, 2_120)
DAMAGED = range(3_000, 3_020)
MODELS = range(4_000, 4_012)
WRONG_VALUES = range(5_000, 5_020)


@pytest.mark.parametrize("seed", NETWORKS)
def test_a_random_network_runs_as_inferred(seed: int) -> None:
    assert running.faults(networks.spec(seed), seed) == []


@pytest.mark.filterwarnings("ignore::cnncalc.language.findings.SpecWarning")
def test_every_layer_type_is_drawn() -> None:
    drawn = {node.layer.type for seed in range(600) for node in build(networks.spec(seed)).nodes}
    assert drawn == set(layer_types())


@pytest.mark.parametrize("seed", DAMAGED)
def test_a_damaged_spec_gets_a_message_in_time(seed: int) -> None:
    assert hostile.faults(hostile.damaged(seed), hostile.command(seed), PATIENCE) == []


@pytest.mark.parametrize("name", grown.SHAPES)
def test_a_small_spec_of_a_large_network_gets_an_answer_in_time(name: str) -> None:
    """One spec of each kind; the fuzzer and ``benchmarks/hostile.py`` measure all commands."""
    text = grown.SHAPES[name](Random(1))
    assert len(text) <= hostile.MOST_CHARACTERS
    assert hostile.faults(text, ("check", hostile.SPEC), PATIENCE) == []


@pytest.mark.parametrize("name", layer_types())
def test_a_wrong_value_is_refused_or_counted(name: str) -> None:
    assert list(wrong.faults_of(name)) == []


@pytest.mark.parametrize("seed", WRONG_VALUES)
def test_a_layer_with_wrong_values_gets_a_message_in_time(seed: int) -> None:
    assert wrong.faults(wrong.spec(seed), seed, PATIENCE) == []


def test_a_value_that_no_check_refuses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until November 2026 null passed as the size of a pooling's output, and no axis as the axes of a norm."""
    monkeypatch.setattr(AdaptivePool.output_size, "_taken", lambda value: value)
    assert any("null: on ((8, 9),): TypeError" in fault for fault in wrong.faults_of("adaptive_avgpool"))
    monkeypatch.setattr(WindowPool.stride, "_taken", lambda value: value)
    assert any("-1: on ((8, 9),): the output is" in fault for fault in wrong.faults_of("maxpool"))


NOTHING_BUT_ROUNDING = """
input: [8, 9, 7]
layers:
  - conv: {out_channels: 8, kernel_size: 3}
  - groupnorm: {num_groups: 4, affine: false}
  - mean
"""


def test_a_difference_due_to_rounding_is_no_fault() -> None:
    """The mean of normalised groups is 0; the rounding of its terms moves float32 away from that."""
    assert running.faults(NOTHING_BUT_ROUNDING, 1) == []


CONSTANTS = """
input: [64, 49, 96]
layers:
  - global_maxpool
  - upsample: {mode: linear, scale_factor: 3}
  - layernorm: {axis: 2, affine: false}
  - global_avgpool
"""


def test_what_a_norm_makes_of_constants_is_no_fault() -> None:
    """Repeated maxima are normalised to 0, to which the engines add different last digits, all of them alike."""
    pytest.importorskip("onnxruntime", reason="is the other engine")
    assert exported.faults(CONSTANTS, 1) == []


def test_what_float32_rounds_to_zero_is_no_fault() -> None:
    """The smallest number of float32 is 1.4e-45 (IEEE 754), so that nothing is left of x · 1e-308."""
    text = "input: [64]\nlayers:\n  - affine: {mul: 1e-308}\n"
    assert running.faults(text, 1) == []


def test_all_variants_count_as_layers() -> None:
    spec = (
        "args: {n: 1}\nvariants: {a: {args: {n: 2}}, b: {args: {n: 3}}}\ninput: [n]\nlayers:\n  - relu:\n    repeat: "
    )
    assert [hostile._large(f"{spec}{count}\n") for count in (10_000, 10_001)] == [False, True]


def test_a_difference_beyond_rounding_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        running, "disturbed", lambda network, weights, inputs, share: disturbed(network, weights, inputs, share / 1e7)
    )
    assert any("float32: outputs differ" in fault for fault in running.faults(NOTHING_BUT_ROUNDING, 1))


def found(seeds: range) -> Iterator[str]:
    """Yield the fuzzer's findings on random networks."""
    return (fault for seed in seeds for fault in running.faults(networks.spec(seed), seed))


def test_a_residual_in_another_shape_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WithWeight, "arranged", lambda self, x: x)
    assert any("the residual is" in fault for fault in found(WITH_RESIDUALS))


def test_a_sample_without_axes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initial_scale, "_whole", lambda node, sample, _: node.layer.forward(Kernels(), sample[None])[0])
    assert any("AxisError" in fault for fault in found(WITH_SOFTMAX))


@pytest.mark.parametrize(
    ("text", "arguments", "fault"),
    [
        ("input: [3]\nlayers: [relu]\n", ("no-such-command",), None),
        ("import os", ("sleep",), "s, "),
        ("import os", ("fill",), " MB"),
        ("import os", ("crash",), "a traceback"),
        ("import os", ("die",), "ended by a signal"),
        ("import os", ("silent",), "without a word"),
        ("import os", ("odd",), "exit code 7"),
    ],
)
def test_faults_of_commands_are_found(
    text: str, arguments: tuple[str, ...], fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands below are stand-ins that each do one thing wrong."""
    if fault is not None:
        monkeypatch.setattr(hostile, "main", lambda: WRONG[arguments[0]]())
    faults = hostile.faults(text, arguments)
    assert faults == [] if fault is None else any(fault in line for line in faults), faults


def _sleep() -> int:
    while process_time() < 1.5:
        pass
    return 0


def _fill() -> int:
    return len(b"x" * (300 << 20)) * 0


def _crash() -> int:
    return 1 // 0


def _die() -> int:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)
    return 0


WRONG: dict[str, Callable[[], int]] = {
    "sleep": _sleep,
    "fill": _fill,
    "crash": _crash,
    "die": _die,
    "silent": lambda: 2,
    "odd": lambda: 7,
}


@pytest.mark.parametrize("seed", MODELS)
def test_a_damaged_model_file_gets_a_message_in_time(seed: int) -> None:
    models = pytest.importorskip("tests.fuzz.models", reason="writes model files with the onnx package")
    assert hostile.faults(models.damaged(seed), models.command(seed), PATIENCE) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_random_network_is_the_same_in_another_engine(seed: int) -> None:
    pytest.importorskip("onnxruntime", reason="is the other engine")
    assert exported.faults(exported.spec(seed), seed) == []


def test_an_operator_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="is the other engine")
    monkeypatch.setattr(ReLU, "to_onnx", lambda self, onnx: onnx.node("Abs", onnx.x))
    assert any(exported.faults(exported.spec(seed), seed) for seed in (8, 26))


EXPONENTIALS = "input: [3, 8, 8]\nlayers: [exp, exp, exp, {conv: {out_channels: 2, kernel_size: 3}}]\n"


def test_no_warning_of_numpys_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Squares after three exponentials are beyond float64; NumPy's warning must not reach the terminal."""
    assert running.faults(EXPONENTIALS, 1) == []
    monkeypatch.setattr(initial_scale, "_mean_square", lambda sample: float(np.float32(1e30) ** np.float32(2)))
    monkeypatch.setattr(np, "errstate", lambda **_: nullcontext())
    assert any("RuntimeWarning" in fault for fault in running.faults(EXPONENTIALS, 1))


@pytest.mark.parametrize("seed", [8675309000352, 8675309000881])
def test_a_damaged_model_file_is_small(seed: int) -> None:
    """An operator with nested branches was copied 3,000 times: files of 0.7 GB, and of more than memory holds."""
    models = pytest.importorskip("tests.fuzz.models", reason="writes model files with the onnx package")
    assert len(models.damaged(seed)) <= models.MOST_BYTES
