"""The Python API: arguments are taken in all sensible forms, or refused with a message."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import cnncalc
from cnncalc.deployment.boards import CORES
from cnncalc.deployment.constants import CONVERTERS, KINDS
from cnncalc.deployment.view import PLANS
from cnncalc.exporters.formats import FORMATS
from cnncalc.figures.costs import CONVENTIONS, DTYPES
from cnncalc.figures.memory import OPTIMIZERS
from tests.commands import cnncalc as command

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import assert_type

    Array = npt.NDArray[np.floating[Any]]
    Column = npt.NDArray[Any]
else:

    def assert_type(value: object, kind: object) -> None:
        """Python 3.11's function, which mypy checks."""


SPEC = """
args: {width: 8, depths: [1, 2]}
input: [3, 32, 32]
layers:
  - for: depth in depths
    conv: {out_channels: width * depth, kernel_size: 3}
  - global_avgpool
  - flatten
  - linear: 10
"""
ONNX = Path(__file__).parent / "data" / "onnx" / "test_efficientnet.onnx"
# by hand: (27 + 1)·8 + (9·8 + 1)·16 + 17·10 at width 8, (27 + 1)·4 + (9·4 + 1)·8 + 9·10 at width 4
PARAMS, PARAMS_OF_4 = 1562, 498


def network(**settings: Any) -> cnncalc.Network:
    return cnncalc.loads(SPEC, name="net", **settings)


def params(network: cnncalc.Network) -> int:
    return network.summary().totals.params


def _tensors(network: cnncalc.Network) -> dict[str, tuple[int, ...]]:
    return {f"{node.name}.{name}": one.shape for node in network.nodes for name, one in node.weights.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "net.yaml"
    file.write_text(SPEC)
    return file


# --- accepted arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [4, np.int64(4), np.uint8(4), np.array(4), np.array([4])[0]])
def test_numbers_of_numpy_are_numbers(path: Path, width: Any) -> None:
    assert params(network(width=width)) == PARAMS_OF_4
    assert cnncalc.sweep(path, {"width": [width]})["params"].tolist() == [PARAMS_OF_4]


@pytest.mark.parametrize("depths", [[1, 2], (1, 2), range(1, 3), np.array([1, 2]), [np.int32(1), 2]])
def test_lists_may_have_any_form(depths: Any) -> None:
    assert params(network(depths=depths)) == PARAMS


def test_a_float_of_numpy_is_a_number() -> None:
    # 1,968,680 params at width 0.5: torchvision's mobilenet_v2, as Keras publishes it (1.97 M)
    assert params(cnncalc.load("mobilenet_v2", width=np.float32(0.5))) == 1_968_680


@pytest.mark.parametrize("shape", [(3, 8, 9), [3, 8, 9], np.array([3, 8, 9]), (np.int64(3), 8, np.int16(9))])
def test_shapes_may_have_any_form(path: Path, shape: Any) -> None:
    assert network(input=shape).inputs["input"].shape == (3, 8, 9)
    assert network(input={"input": shape}).inputs["input"].shape == (3, 8, 9)
    for several in (shape, [shape], {"input": [shape]}, {"input": shape}, np.array([shape])):
        assert cnncalc.sweep(path, input=several, figures="macs")["input"].tolist() == [(3, 8, 9)]


def test_arrays_and_ranges_are_values_of_a_sweep(path: Path) -> None:
    found = [cnncalc.sweep(path, {"width": some})["params"].tolist() for some in (np.arange(4, 12, 4), range(4, 12, 4))]
    assert found == [[PARAMS_OF_4, PARAMS]] * 2
    assert cnncalc.sweep(path, {"depths": np.array([[1, 2], [1, 2]])})["params"].tolist() == [PARAMS] * 2


def test_a_text_of_a_sweep_is_read_as_the_command_line_reads_it(path: Path) -> None:
    assert cnncalc.sweep(path, {"width": "2 * 2,2**3"})["width"].tolist() == [4, 8]
    with pytest.raises(cnncalc.CnncalcError, match="args\\['width'\\]"):
        cnncalc.sweep(path, {"width": "1e400"})


@pytest.mark.parametrize("dtype", ["float16", np.float16, np.dtype("float16"), np.dtype(">f2")])
def test_a_dtype_may_have_any_form(path: Path, dtype: Any) -> None:
    assert network().summary(dtype=dtype).totals.memory.weights == 2 * PARAMS
    assert cnncalc.sweep(path, dtype=dtype)["weight_bytes"].tolist() == [2 * PARAMS]
    assert cnncalc.compile(path, "weight_bytes", dtype=dtype)() == {"weight_bytes": 2 * PARAMS}


def test_a_dtype_of_pytorch_is_one() -> None:
    class Dtype:
        """A stub of ``torch.float16``."""

        def __repr__(self) -> str:
            return "torch.float16"

    dtype: Any = Dtype()
    assert network().summary(dtype=dtype).dtype == "float16"


@pytest.mark.parametrize("call", [cnncalc.load, lambda name: cnncalc.load("vgg", variant=name[4:])])
def test_a_variant_may_stand_behind_a_colon(call: Callable[[str], cnncalc.Network]) -> None:
    assert call("vgg:vgg19").summary().totals.params == 143_667_240  # torchvision's model card
    assert cnncalc.sweep("vgg:vgg19", figures="params")["params"].tolist() == [143_667_240]


def test_weights_come_from_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drawn = {name: rng.standard_normal(shape, np.float32) for name, shape in _tensors(network()).items()}
    np.savez(tmp_path / "w.npz", **drawn)  # type: ignore[arg-type]  # NumPy's stubs take the names for its options
    one = network().run(weights=drawn).output
    for given in (tmp_path / "w.npz", str(tmp_path / "w.npz")):
        assert network().run(weights=given).output.tobytes() == one.tobytes()
        with network().prepare(weights=given, threads=1) as session:
            assert session(np.zeros((3, 32, 32), np.float32)).shape == (1, 10)


def test_a_network_is_exported_as_on_the_command_line(path: Path) -> None:
    folder, net = path.parent, cnncalc.load(path)
    np.savez(folder / "w.npz", **{name: np.full(shape, 0.25, np.float32) for name, shape in _tensors(net).items()})  # type: ignore[arg-type]
    net.export(folder / "1.onnx", weights=folder / "w.npz", opset=14)
    net.export(folder / "1.py")
    net.export(folder / "1.py", overwrite=True)
    net.export(folder / "1.csv")
    net.export(folder / "1", format="timeloop")
    assert {file.name for file in (folder / "1").iterdir()} >= {"1_conv2.yaml", "2_fc1.yaml"}
    for name, *options in (("onnx", "--weights", str(folder / "w.npz"), "--opset", "14"), ("py",), ("csv",)):
        done = command("export", str(path), "-o", str(folder / f"2.{name}"), *options)
        assert done.code == 0, name
        assert (folder / f"1.{name}").read_bytes() == (folder / f"2.{name}").read_bytes(), name
    net.export(path, overwrite=True)
    assert params(cnncalc.load(path)) == PARAMS


def test_lists_of_numbers_are_an_input() -> None:
    zeros = np.zeros((1, 3, 32, 32))
    with network().prepare(threads=np.int64(1)) as session:
        assert session(zeros.tolist()).dtype == np.float32
    assert network().run(zeros.tolist(), threads=1, layers="conv1").tensors["conv1"].shape == (1, 8, 30, 30)
    assert network().run(zeros.tolist(), dtype=np.float64, threads=1).output.dtype == np.float64


# --- refused arguments ---------------------------------------------------------------------------------------------

SHAPE = (
    "is not a shape: positive integers, channels first and without the batch axis\n  hint: for example (3, 224, 224)"
)
NO_VALUE = "is not a number, a string, True, False, None or a list of these"


untyped: Any = cnncalc  # mypy refuses most of what follows, too


def net(**settings: Any) -> Any:
    return network(**settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: untyped.load(5), "spec: 5 is not a path or the name of a shipped network"),
        (lambda path: untyped.sweep({}), "spec: a value of type dict is not a path or the name"),
        (lambda path: untyped.compile(None), "spec: None is not a path or the name"),
        (lambda path: untyped.load("vgg:vgg19", "vgg11"), "variant: 'vgg11', but 'vgg19' is a variant already"),
        (
            lambda path: untyped.compile("vgg:vgg19", variant="vgg11"),
            "variant: 'vgg11', but 'vgg19' is a variant already",
        ),
        (lambda path: untyped.loads(SPEC, variant=19), "variant: 19 is not a string"),
        (lambda path: untyped.load("vgg", variant=np.array([1, 2])), "variant: [1, 2] is not a string"),
        (lambda path: untyped.load("vgg", variant=19), "variant: 19 is not a string"),
        (lambda path: untyped.loads({"input": [3]}), "text: a value of type dict is not a string"),
        (
            lambda path: untyped.loads("net.yaml"),
            "text: 'net.yaml' is not the text of a spec\n  hint: load() takes a path or a name",
        ),
        (lambda path: untyped.loads(b"resnet50"), "text: b'resnet50' is not the text of a spec"),
        (lambda path: untyped.loads("\udc80: 5"), "<text>"),
        (lambda path: untyped.loads(SPEC, name=path), "name: a value of type PosixPath is not a string"),
        (lambda path: net(input="3x64x64"), f"input: '3x64x64' {SHAPE}"),
        (lambda path: net(input=224), f"input: 224 {SHAPE}"),
        (lambda path: net(input=(3, "64", 64)), f"input: (3, '64', 64) {SHAPE}"),
        (lambda path: net(input=(3, -1, 64)), f"input: (3, -1, 64) {SHAPE}"),
        (lambda path: net(input=(3, 8.0, 8)), f"input: (3, 8.0, 8) {SHAPE}"),
        (lambda path: net(input=(3, True, 8)), f"input: (3, True, 8) {SHAPE}"),
        (lambda path: net(input=(1,) * 9), f"input: (1, 1, 1, 1, 1, 1, ...) {SHAPE}"),
        (lambda path: net(input={"input": 5}), f"input['input']: 5 {SHAPE}"),
        (lambda path: net(input={5: (3, 8, 8)}), "input: 5 is not a string"),
        (lambda path: net(width=Fraction(8)), f"width: a value of type Fraction {NO_VALUE}"),
        (lambda path: net(width={8}), f"width: a value of type set {NO_VALUE}"),
        (lambda path: net(depths=[1, 2j]), f"depths: a value of type complex {NO_VALUE}"),
        (lambda path: net().summary(batch=0), "batch: 0 is not an integer of at least 1"),
        (lambda path: net().summary(batch="4"), "batch: '4' is not an integer of at least 1"),
        (lambda path: net().summary(batch=2.5), "batch: 2.5 is not an integer of at least 1"),
        (lambda path: net().summary(dtype=8), "unknown dtype '8'\n  hint: dtypes: float64, float32, float16"),
        (lambda path: net().summary(optimizer=None), "optimizer: None is not a string"),
        (lambda path: net().run(weights=[1]), "weights: [1] is not a mapping from names to arrays, or a path"),
        (lambda path: net().run(weights="no.npz"), "no.npz: no such file"),
        (lambda path: net().run(weights={5: 1}), "left over: 5"),
        (lambda path: net().run("digit.npy"), "input 'input' is text, expected float32, float64 or integers"),
        (
            lambda path: net().run([[1], [1, 2]]),
            "input 'input' can't be converted to an array: setting an array element",
        ),
        (lambda path: net().run({5: 1}), "'net' has no input '5'"),
        (lambda path: net().run(threads=0), "threads: 0 is not an integer from 1 to 256"),
        (lambda path: net().run(seed=-1), "seed: -1 is not an integer from 0 to 9,223,372,036,854,775,807"),
        (lambda path: net().run(dtype=np.float16), "dtype: 'float16' is none of float32, float64"),
        (lambda path: net().run(layers=["conv9"]), "'net' has no layer 'conv9'"),
        (
            lambda path: net().run(np.zeros((3, 3, 32, 32)), batch=2),
            "batch: 2 samples are for a random input, but the given input has 3",
        ),
        (lambda path: net().run(layers=5), "layers: 5 is not a list of texts"),
        (lambda path: net().run(fuse="no"), "fuse: 'no' is neither True nor False"),
        (lambda path: net().prepare(threads=1.5), "threads: 1.5 is not an integer from 1 to 256"),
        (lambda path: net().deploy(board=5), "board: 5 is not a string"),
        (lambda path: untyped.sweep(path, ["width"]), "args: ['width'] is not a mapping from arguments to values"),
        (lambda path: untyped.sweep(path, {"width": 8}), "args['width']: 8 is not a list of values"),
        (lambda path: untyped.sweep(path, {"width": [{}]}), f"args['width']: a value of type dict {NO_VALUE}"),
        (lambda path: untyped.sweep(path, input=["3x8x8"]), f"input: '3x8x8' {SHAPE}"),
        (lambda path: untyped.sweep(path, variants=["vgg11"]), "variants: there is no 'vgg11'"),
        (lambda path: untyped.sweep(path, figures=[5]), "figures: 5 is not a string"),
        (lambda path: untyped.sweep(path, where=5), "where: 5 is not a string"),
        (lambda path: untyped.sweep(path, dtype="f4"), "dtype: there is no 'f4'"),
        (lambda path: untyped.sweep(path, sample=0), "sample: 0 is not an integer of at least 1"),
        (lambda path: untyped.compile("vgg", variant="vgg12"), "variant: there is no 'vgg12'"),
        (lambda path: untyped.compile(path)(width=Fraction(8)), f"width: a value of type Fraction {NO_VALUE}"),
        (lambda path: untyped.compile(path)(input="3x8x8"), f"input: '3x8x8' {SHAPE}"),
        (lambda path: untyped.compile(path)(input={5: (3, 8, 8)}), "input: 5 is not a string"),
        (lambda path: net().export(5), "path: 5 is not a path"),
        (
            lambda path: net().export("net.onnx", seed=1, weights={}),
            "seed: is for random weights, but the network's are given",
        ),
        (lambda path: net().export("net\0.onnx"), "path: 'net\\x00.onnx' is not a path"),
        (
            lambda path: net().export("net.tflite"),
            "net.tflite: no format has such a suffix\n  hint: there are onnx (.onnx), torch (.py),",
        ),
        (lambda path: net().export("net.onnx", "onxx"), "format: there is no 'onxx'\n  hint: did you mean 'onnx'?"),
        (lambda path: net().export("net.csv", weights={}), "weights: has no effect with the format scale-sim"),
        (lambda path: net().export("net.onnx", opset="17"), "opset: '17' is not an integer from 1 to 999"),
        (lambda path: net().export(path), "net.yaml: the file exists\n  hint: overwrite = True replaces it"),
    ],
)
def test_wrong_arguments_are_refused_with_a_message(call: Callable[[Path], object], message: str, path: Path) -> None:
    with pytest.raises(cnncalc.CnncalcError, match=re.escape(message)):
        call(path)


def test_a_misspelt_argument_is_a_mistake_of_the_spec(path: Path) -> None:
    with pytest.raises(cnncalc.CnncalcError, match="net has no argument 'widht'") as caught:
        network(widht=4)
    assert type(caught.value).__name__ == "SpecError"


@pytest.mark.parametrize(
    "call",
    [
        lambda: cnncalc.load("resnet500"),
        lambda: network(input=5),
        lambda: network(widht=4),
        lambda: network(width=2.5),
        lambda: cnncalc.loads("layers: ["),
        lambda: network().run(weights={}),
    ],
)
def test_an_error_goes_to_another_process(call: Callable[[], object]) -> None:
    """In a pool of processes, an error that can't be pickled ends the pool without a message."""
    with pytest.raises(cnncalc.CnncalcError) as caught:
        call()
    for other in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert (type(other), str(other), other.args) == (type(caught.value), str(caught.value), caught.value.args)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: net().summary(bacth=2), "Network.summary()"),
        (lambda: net().run(bacth=2), "Network.run()"),
        (lambda: net().prepare(treads=2), "Network.prepare()"),
        (lambda: untyped.sweep("lenet5", figure="macs"), "sweep()"),
        (lambda: untyped.compile("lenet5", figure="macs"), "compile()"),
    ],
)
def test_an_unknown_keyword_is_a_type_error(call: Callable[[], object], name: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{name} got an unexpected keyword argument")):
        call()


def test_a_closed_session_reports_that_it_is_closed() -> None:
    with network().prepare(threads=1) as session:
        assert repr(session) == "<Session net: float32, 1 thread>"
    with pytest.raises(cnncalc.CnncalcError, match=r"^<Session net: float32, 1 thread, closed> is closed"):
        session(np.zeros((3, 32, 32), np.float32))


@pytest.mark.parametrize("name", ["resnet50", "densenet201", str(ONNX)])
def test_a_network_goes_to_another_process(name: str) -> None:
    one = cnncalc.load(name)
    other = pickle.loads(pickle.dumps(one))
    assert (repr(other), other.summary().totals) == (repr(one), one.summary().totals)
    assert pickle.loads(pickle.dumps(one.summary())).totals == one.summary().totals


def test_a_function_goes_to_another_process(path: Path) -> None:
    function = cnncalc.compile(path, ["params"])
    other = pickle.loads(pickle.dumps(function))
    assert (repr(other), other(width=4)) == ("<NetworkFunction net: params>", {"params": PARAMS_OF_4})


# --- signatures and types --------------------------------------------------------------------------------------------


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    """Return every public function and method of this package by its name."""
    for name in cnncalc.__all__:
        made = getattr(cnncalc, name)
        if not isinstance(made, type):
            yield name, made
            continue
        for method, function in inspect.getmembers(made, inspect.isfunction):
            own = function.__module__.startswith("cnncalc.")
            if own and (method == "__call__" or not method.startswith("_")):
                yield f"{name}.{method}", function


def unclear(function: Callable[..., object]) -> list[str]:
    """Return what help(), an editor or mypy would not know of a function."""
    signature, text = inspect.signature(function), inspect.getdoc(function) or ""
    found = [] if text and signature.return_annotation is not inspect.Signature.empty else ["text or return type"]
    for name, parameter in signature.parameters.items():
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if name != "self" and not named and parameter.annotation != "Setting":
            found.append(f"*{name}")
        if name != "self" and parameter.annotation in (parameter.empty, "Any"):
            found.append(f"type of {name}")
        if "Args:" in text and name != "self" and f"{name}:" not in text:
            found.append(f"text of {name}")
    return found


def test_every_public_function_documents_its_arguments() -> None:
    functions = dict(public_functions())
    assert {"load", "sweep", "Network.run", "Network.export", "Session.__call__", "NetworkFunction.__call__"} <= {
        *functions
    }
    assert {name: faults for name, function in functions.items() if (faults := unclear(function))} == {}


def test_all_words_of_an_argument_are_documented() -> None:
    said = {
        cnncalc.Network.summary: (DTYPES, OPTIMIZERS, CONVENTIONS),
        cnncalc.Network.deploy: (CORES, KINDS, CONVERTERS, PLANS),
        cnncalc.Network.export: (FORMATS,),
    }
    for function, tables in said.items():
        words = set(re.findall(r"[\w.-]+\w", inspect.getdoc(function) or ""))
        assert {word for table in tables for word in table} <= words, function


def test_an_undocumented_argument_is_found() -> None:
    def vague(x, *args: Any, y: int = 0, **options: Any) -> int:  # type: ignore[no-untyped-def]
        """Do.

        Args:
            x: what.
        """
        return 0

    assert unclear(vague) == [
        "type of x", "*args", "type of args", "text of args", "text of y", "*options", "type of options", "text of options",
    ]  # fmt: skip


def test_results_have_the_types_that_mypy_infers(path: Path) -> None:
    """This is code of a user: mypy, which also reads the tests, checks the types, and the test that they are true."""
    net = cnncalc.load(path, input=[3, 16, 16], width=np.int64(8))
    assert_type(net, cnncalc.Network)
    summary = net.summary(batch=2, dtype=np.float16)
    assert_type(summary.totals.memory.peak, int)
    assert_type([row.output_shape for row in summary.rows], list[tuple[int, ...]])
    result = net.run(np.zeros((1, 3, 16, 16), np.float32), layers=["conv1"], threads=1)
    assert_type(result, cnncalc.Run)
    assert_type(result.output, "Array")
    with net.prepare(threads=1) as session:
        assert_type(session, cnncalc.Session)
        made = session(np.zeros((4, 3, 16, 16), np.float32))
        assert_type(made, "Array")
        assert made.shape == (4, 10)
        assert_type(session.outputs(np.zeros((3, 16, 16), np.float32)), "dict[str, Array]")
    columns = cnncalc.sweep(
        path, {"width": range(4, 9, 4), "depths": [[1], (1, 2)]}, [(3, 8, 8), [3, 9, 9]], where="macs > 1"
    )
    assert_type(columns, cnncalc.SweepColumns)
    assert_type(columns["macs"], "Column")
    best = columns["width"][columns["macs"].argmax()]
    figures = cnncalc.compile(path, ["macs"])
    assert_type(figures, cnncalc.NetworkFunction)
    assert figures(width=best, input=(3, 9, 9))["macs"] <= 10**9
    with pytest.raises(cnncalc.CnncalcError):
        net.summary(batch="4")  # type: ignore[arg-type]  # which mypy says, too


# --- output ---------------------------------------------------------------------------------------------------------


def test_reprs_are_short_and_useful() -> None:
    net = network()
    first, pool = net.nodes[0], net.nodes[2]
    assert repr(net) == "<Network net: 5 layers, 1,562 params>"
    assert repr(net.inputs["input"]) == "<Input input: [3, 32, 32]>"
    assert repr(first) == "<Node conv1: conv [3, 32, 32] → [8, 30, 30]>"
    assert repr(first.weights) == "{'weight': Weight((8, 3, 3, 3)), 'bias': Weight((8,))}"
    assert repr(first.use) == "<Use conv [3, 32, 32] → [8, 30, 30]>"
    assert repr(first.origin) == "Place(file=<SpecText net>, line=5, column=4)"
    assert repr(net.summary().receptive_field) == "(<Field 32 of 32>, <Field 32 of 32>)"
    assert repr(pool.use).startswith("<Use global_avgpool [16, 28, 28] → ")
    assert re.fullmatch(
        r"<Run net: 5 of 5 layers as inferred; batch 2, float32, [\d.e+-]+ ms>", repr(net.run(batch=2, threads=1))
    )
    assert re.fullmatch(
        r"<Deployment net: int8 on nano33ble, arena [\d,]+, RAM [\d,]+ to [\d,]+, flash [\d,]+ to [\d,]+ bytes>",
        repr(net.deploy(board="nano33ble")),
    )
    spec = "input: {a: [3], b: [3], c: [3], d: [3]}\nlayers:\n  - add: {}\n    from: [a, b, c, d]\n"
    assert repr(cnncalc.loads(spec).nodes[0]) == "<Node add1: add [3], [3], [3], … → [3]>"


def test_a_warning_names_the_line_of_the_caller(path: Path) -> None:
    shape = (32, 32, 3)
    calls: list[Callable[[], object]] = [
        lambda: network(input=shape, depths=[1]),
        lambda: cnncalc.sweep(path, {"depths": [[1]]}, shape),
        lambda: cnncalc.compile(path)(input=shape, depths=[1]),
    ]
    for call in calls:
        with pytest.warns(UserWarning, match=r"^the input .*\[channels-last\]") as caught:
            call()
        assert caught[0].filename == __file__


def test_nothing_is_imported_before_it_is_needed(path: Path) -> None:
    code = (
        "import sys, cnncalc\n"
        "heavy = lambda *names: {*names} & {*sys.modules}\n"
        "assert not heavy('numpy', 'rich', 'yaml', 'click', 'cnncalc.network'), sys.modules\n"
        f"print(cnncalc.load({str(path)!r}, input=[3, 16, 16], width=16).summary(dtype='float16'))\n"
        "assert not heavy('numpy', 'rich', 'click', 'cnncalc.execution'), sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# --- sweeps without rows --------------------------------------------------------------------------------------


def test_a_sweep_without_rows_has_all_its_columns(path: Path) -> None:
    found = cnncalc.sweep(path, {"width": [8, 16]}, [(3, 8, 8)], figures=["macs", "output"], where="macs < 1")
    assert {name: (column.tolist(), column.dtype.kind) for name, column in found.items()} == {
        "width": ([], "i"), "input": ([], "O"), "macs": ([], "i"), "output": ([], "i"),
    }  # fmt: skip
    assert cnncalc.sweep(path, {"width": []})["params"].tolist() == []
    assert next(iter(cnncalc.sweep("vgg", variants=["vgg11", "vgg16"], where="params < 1"))) == "variant"


def test_a_sweep_without_a_network_is_reported(path: Path) -> None:
    with pytest.raises(
        cnncalc.CnncalcError, match=r"^none of 2 combinations can be built, the first: .* must be a pos"
    ):
        cnncalc.sweep(path, {"width": [0.5, 1.5]})
    with pytest.raises(cnncalc.CnncalcError, match=r"^it can.t be built: .*: .* must be a positive integer, not 0.5"):
        cnncalc.sweep(path, {"width": [0.5]})
    assert cnncalc.sweep(path, {"width": [0.5, 1]}).failed == 1
