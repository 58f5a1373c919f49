"""PyTorch sources as text, like those of a person; no PyTorch is needed.  test_torch_runs.py runs them."""

from __future__ import annotations

import ast
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnncalc.exporters.torch.module import torch_source
from cnncalc.exporters.torch.names import class_name, free, network_name, scope_name
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.shipped import networks
from cnncalc.layers import layer_types
from cnncalc.layers.base import Layer
from cnncalc.network import Network, load, loads
from tests.commands import cnncalc
from tests.importers.models import FOLDER, model, network, node, stored
from tests.layers.building import known

FAMILIES = list({path: (path, variant) for _, path, variant in networks()}.values())
"""One network of every file that ships."""

MODELS = sorted(path.stem for path in FOLDER.glob("*.onnx"))


def body(source: str) -> str:
    """Return a source from its first class on."""
    return source[source.index("class ") :]


# --- style ----------------------------------------------------------------------------------------

LENET5 = '''
class Subsample(nn.Module):
    """The block subsample, used twice."""

    def forward(self, x):
        return F.avg_pool2d(x, 2)


class LeNet5(nn.Module):
    """lenet5: (N, 1, 32, 32) in, (N, 10) out."""

    def __init__(self):
        super().__init__()
        self.C1 = nn.Conv2d(1, 6, kernel_size=5)
        self.S2 = Subsample()
        self.C3 = nn.Conv2d(6, 16, kernel_size=5)
        self.S4 = Subsample()
        self.C5 = nn.Conv2d(16, 120, kernel_size=5)
        self.F6 = nn.Linear(120, 84)
        self.fc1 = nn.Linear(84, 10)

    def forward(self, x):
        x = torch.tanh(self.C1(x))
        x = self.S2(x)
        x = torch.tanh(self.C3(x))
        x = self.S4(x)
        x = torch.tanh(self.C5(x)).flatten(1)
        x = torch.tanh(self.F6(x))
        return self.fc1(x)
'''

RESIDUAL = """
name: Tower
input: [3, 32, 32]
blocks:
  unit:
    args: {channels, stride: 1, project: false}
    layers:
      - add:
          paths:
            - - conv: {out_channels: channels, kernel_size: 3, stride: stride, padding: 1, bias: false}
              - batchnorm
              - relu
              - conv: {out_channels: channels, kernel_size: 3, padding: 1, bias: false}
            - - conv: {out_channels: channels, kernel_size: 1, stride: stride, bias: false}
                name: shortcut
                when: project
      - relu
layers:
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - unit: 16
    repeat: 3
  - unit: {channels: 32, stride: 2, project: true}
  - unit: 32
  - global_avgpool
  - flatten
  - linear: 10
"""

TOWER = '''
class Unit(nn.Module):
    """The block unit, used 5 times."""

    def __init__(self, in_channels, channels, stride=1, project=False):
        super().__init__()
        self.project = project
        self.conv1 = nn.Conv2d(
            in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        if project:
            self.shortcut = nn.Conv2d(
                in_channels, channels, kernel_size=1, stride=stride, bias=False
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.conv2(y)
        if self.project:
            x = self.shortcut(x)
        return F.relu(y + x)


class Tower(nn.Module):
    """Tower: (N, 3, 32, 32) in, (N, 10) out."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        for i in range(1, 4):
            self.add_module(f"unit{i}", Unit(16, 16))
        self.unit4 = Unit(16, 32, stride=2, project=True)
        self.unit5 = Unit(32, 32)
        self.fc1 = nn.Linear(32, 10)

    def forward(self, x):
        x = self.conv1(x)
        for i in range(1, 4):
            x = self.get_submodule(f"unit{i}")(x)
        x = self.unit4(x)
        x = F.adaptive_avg_pool2d(self.unit5(x), 1).flatten(1)
        return self.fc1(x)
'''

INCEPTION = '''
class Inception(nn.Module):
    """The block inception, used 9 times."""

    def __init__(self, in_channels, conv1, reduce3, conv3, reduce5, conv5, pool):
        super().__init__()
        self.conv_bn1 = ConvBn(in_channels, conv1, 1)
        self.conv_bn2 = ConvBn(in_channels, reduce3, 1)
        self.conv_bn3 = ConvBn(reduce3, conv3, 3)
        self.conv_bn4 = ConvBn(in_channels, reduce5, 1)
        self.conv_bn5 = ConvBn(reduce5, conv5, 3)
        self.conv_bn6 = ConvBn(in_channels, pool, 1)

    def forward(self, x):
        y = self.conv_bn1(x)
        z = self.conv_bn2(x)
        z = self.conv_bn3(z)
        conv_bn4 = self.conv_bn4(x)
        conv_bn5 = self.conv_bn5(conv_bn4)
        x = F.max_pool2d(x, 3, stride=1, padding=1, ceil_mode=True)
        return torch.cat([y, z, conv_bn5, self.conv_bn6(x)], dim=1)
'''


def test_a_small_network_reads_as_if_written_by_hand() -> None:
    assert body(torch_source(load("lenet5"))) == LENET5.lstrip()


def test_a_block_with_arguments_is_a_class_with_arguments() -> None:
    """A condition of the spec is a condition of the class, and a repeat a loop."""
    assert body(torch_source(loads(RESIDUAL))) == TOWER.lstrip()


def test_branches_are_plain_code() -> None:
    assert INCEPTION.strip() in torch_source(load("googlenet", variant="googlenet"))


def test_the_header_names_the_network() -> None:
    first, second, *others = torch_source(load("alexnet")).split("\n")
    assert first == "# AlexNet (one tower), written by 'cnncalc export'."
    assert second.startswith("# Source: Krizhevsky")
    # torchvision's published figures
    assert "# 61,100,840 parameters, 714,188,480 multiply-accumulates for one sample." in others


def test_the_title_can_not_leave_its_comment() -> None:
    source = torch_source(
        loads('name: "a\\nimport os\\"\\"\\""\nsource: "b\\n\\nimport os"\ninput: [3, 8, 8]\nlayers: [relu]')
    )
    assert {type(item) for item in ast.parse(source).body} == {ast.ImportFrom, ast.Import, ast.ClassDef}
    assert [item.names[0].name for item in ast.parse(source).body if isinstance(item, ast.Import)] == [
        "torch.nn.functional"
    ]


# --- all shipped networks ---------------------------------------------------------------------------------------------


def sources() -> dict[str, tuple[Network, str]]:
    """Return the source of one network of each family, and of each model file."""
    found = {Path(path).stem: load(path, variant=variant) for path, variant in FAMILIES}
    found |= {name: Network.of(stored(name).build()) for name in MODELS}
    return {name: (network, torch_source(network)) for name, network in found.items()}


@pytest.fixture(scope="module")
def written() -> dict[str, tuple[Network, str]]:
    return sources()


def test_sources_are_python(written: dict[str, tuple[Network, str]]) -> None:
    for name, (_, source) in written.items():
        compile(source, name, "exec")


def test_sources_are_clean_and_formatted(written: dict[str, tuple[Network, str]], tmp_path: Path) -> None:
    pytest.importorskip("ruff", reason="ruff, which 'pip install .[dev]' brings, is not there")
    for name, (_, source) in written.items():
        (tmp_path / f"{name.replace('.', '_')}.py").write_text(source)
    for command in (["check", "--select", "E4,E7,E9,F,UP,SIM,PIE"], ["format", "--check", "--line-length", "88"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)]
        found = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout[-2000:]


def test_every_layer_with_weights_has_a_module_of_its_name(written: dict[str, tuple[Network, str]]) -> None:
    """Tensors of a model file that a module held itself are attributes of that module's class."""
    for name, (graph, source) in written.items():
        owners = [one for one in graph.nodes if one.shares is None and one.use.weights]
        modules = {one.name for one in owners if not one.keys}
        held = {one.key(tensor) for one in owners if one.keys for tensor in one.use.weights}
        assert leaves(source) == modules | held, name


class Stub:
    """A module that only knows its submodules."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.__dict__ |= {"_modules": {}, "tensors": set()}
        if type(self) is Sequence:
            named = args[0].items() if args and isinstance(args[0], dict) else enumerate(args)
            self._modules.update({str(name): module for name, module in named})

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Stub):
            self._modules[name] = value
        elif isinstance(value, Tensor):
            self.tensors.add(name)
        else:
            self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__["_modules"]:
            return self._modules[name]
        if name in self.__dict__["tensors"]:
            return Tensor()
        raise AttributeError(name)

    def add_module(self, name: str, module: Stub) -> None:
        self._modules[name] = module

    def get_submodule(self, name: str) -> Any:
        return self._modules[name]

    def register_parameter(self, name: str, value: Any) -> None:
        self.tensors.add(name)

    register_buffer = register_parameter


class Sequence(Stub):
    """A stub of nn.Sequential."""


class Tensor:
    """A stub of any tensor."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: self


def leaves(source: str) -> set[str]:
    """Return the dotted names of PyTorch's modules of a source with weights, and of the tensors of its own classes."""
    kinds: dict[str, type] = {}

    class Layers(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name == "Module":
                return Stub
            if name == "Sequential":
                return Sequence
            if name == "Parameter":
                return lambda value, **options: Tensor()
            if name == "init":
                return Tensor()
            return kinds.setdefault(name, type(name, (Stub,), {}))

    nn, torch, functional = Layers("torch.nn"), types.ModuleType("torch"), types.ModuleType("torch.nn.functional")
    torch.__getattr__ = lambda name: lambda *args, **options: Tensor()  # type: ignore[method-assign]
    torch.nn, nn.functional = nn, functional  # type: ignore[attr-defined]
    kept = {name: sys.modules.pop(name, None) for name in ("torch", "torch.nn", "torch.nn.functional")}
    sys.modules.update({"torch": torch, "torch.nn": nn, "torch.nn.functional": functional})
    try:
        room = types.ModuleType("net")
        exec(compile(source, "net.py", "exec"), room.__dict__)
    finally:
        for name, module in kept.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
    classes = [value for value in vars(room).values() if isinstance(value, type) and value.__module__ == "net"]
    helpers = tuple([value for value in classes if value.__name__ in HELPERS])
    found: set[str] = set()

    def walk(module: Stub, path: str) -> None:
        if type(module).__name__ in WEIGHTLESS:
            return
        if isinstance(module, (*kinds.values(), *helpers)):
            found.add(path)
        else:
            found.update([f"{path}.{name}".lstrip(".") for name in module.tensors])
        for name, inner in module._modules.items():
            walk(inner, f"{path}.{name}".lstrip("."))

    walk(classes[-1](), "")
    return found


HELPERS = {"Scale", "Shift", "Parameter", "LocallyConnected"}

WEIGHTLESS = {"Identity", "ReLU", "SiLU", "Hardswish", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "Flatten"}
"""PyTorch's modules without weights in these sources."""


MODULES_TENSORS = '''
class Attn(nn.Module):
    """The scope attn."""

    def __init__(self):
        super().__init__()
        self.in_proj_weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(4, 4)))
        self.in_proj_bias = nn.Parameter(torch.zeros(4))
        self.register_buffer("mask", torch.ones(4))
        self.out_proj = nn.Linear(4, 4)

    def forward(self, x):
        x = F.linear(x, self.in_proj_weight, self.in_proj_bias) * self.mask
        return self.out_proj(x)


class Model(nn.Module):
    """model: (N, 4) in, (N, 4) out."""

    def __init__(self):
        super().__init__()
        self.attn = Attn()
        self.gamma = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return self.attn(x) * self.gamma
'''


def test_tensors_that_a_module_has_itself_are_parameters_and_buffers_of_its_class() -> None:
    """PyTorch's MultiheadAttention has in_proj_weight and in_proj_bias itself, and a module out_proj."""
    shapes = {
        "attn.in_proj_weight": (4, 4), "attn.in_proj_bias": (4,), "attn.mask": (4,), "onnx::MatMul_7": (4, 4),
        "attn.out_proj.bias": (4,), "gamma": (4,),
    }  # fmt: skip
    nodes = [
        node("Gemm", ["x", *list(shapes)[:2]], ["y"], transB=1, name="/attn/Gemm"),
        node("Mul", ["y", "attn.mask"], ["masked"], name="/attn/Mul"),
        node("MatMul", ["masked", "onnx::MatMul_7"], ["z"], name="/attn/MatMul"),
        node("Add", ["z", "attn.out_proj.bias"], ["w"], name="/attn/Add"),
        node("Mul", ["w", "gamma"], ["out"], name="/Mul"),
    ]
    weights = {name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) for name, shape in shapes.items()}
    graph = network(model(nodes, {"x": ["N", 4]}, ["out"], weights))
    assert body(torch_source(graph)) == MODULES_TENSORS.lstrip()


def test_a_module_called_training_is_refused() -> None:
    """``module.eval()`` sets ``module.training``."""
    spec = "input: [4]\nlayers:\n  - sequence: [linear: 4]\n    name: training\n"
    with pytest.raises(CnncalcError, match="but PyTorch has a flag called 'training'"):
        torch_source(loads(spec))


def test_a_numbered_scope_is_a_sequential_with_pytorchs_modules() -> None:
    """A folded batch norm and a dropout leave no operator: their numbers are identities, as torch.fx leaves them."""
    draw = np.random.default_rng(1)
    shapes = {"net.0.weight": (4, 3, 3, 3), "net.0.bias": (4,)}
    for number in (4, 6, 8):
        shapes |= {f"net.{number}.weight": (4, 4, 1, 1)}
    nodes = [node("Conv", ["x", *list(shapes)[:2]], ["a"], name="/net/net.0/Conv")]
    nodes += [node("Relu", ["a"], ["b"], name="/net/net.2/Relu")]
    nodes += [node("MaxPool", ["b"], ["c4"], kernel_shape=[2, 2], strides=[2, 2], name="/net/net.3/MaxPool")]
    for number in (4, 6, 8):
        nodes.append(
            node("Conv", [f"c{number}", f"net.{number}.weight"], [f"d{number}"], name=f"/net/net.{number}/Conv")
        )
        out = "y" if number == 8 else f"c{number + 2}"
        nodes.append(node("Sigmoid", [f"d{number}"], [out], name=f"/net/net.{number + 1}/Sigmoid"))
    nodes[-1] = node("GlobalAveragePool", ["d8"], ["y"], name="/net/net.9/GlobalAveragePool")
    weights = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    graph = network(model(nodes, {"x": ["N", 3, 8, 8]}, ["y"], weights))
    assert """
        self.net = nn.Sequential(
            nn.Conv2d(3, 4, kernel_size=3),
            nn.Identity(),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, kernel_size=1, bias=False),
            nn.Sigmoid(),
            nn.Conv2d(4, 4, kernel_size=1, bias=False),
            nn.Sigmoid(),
            nn.Conv2d(4, 4, kernel_size=1, bias=False),
            nn.AdaptiveAvgPool2d(1),
        )

    def forward(self, x):
        return self.net(x)
""" in torch_source(graph)


def test_scopes_of_one_structure_are_one_class_whatever_their_names() -> None:
    draw = np.random.default_rng(1)
    shapes = {"stem.conv.weight": (4, 3, 3, 3), "a.conv.weight": (4, 4, 1, 1), "layers.0.conv.weight": (2, 4, 1, 1)}
    nodes, x = [], "x"
    for number, weight in enumerate(shapes):
        path = "/".join(["", *[weight[: -len(".conv.weight")]], "conv"])
        nodes.append(node("Conv", [x, weight], [f"c{number}"], name=f"{path}/Conv"))
        nodes.append(node("Relu", [f"c{number}"], [f"r{number}"], name=f"{path[:-5]}/act/Relu"))
        nodes.append(node("Add", [f"r{number}", f"c{number}"], [f"s{number}"], name=f"{path[:-5]}/Add"))
        x = f"s{number}"
    weights = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    source = torch_source(network(model(nodes, {"x": ["N", 3, 8, 8]}, [x], weights)))
    assert source.count("\nclass ") == 2
    assert "        self.stem = Stem(3, 4, 3)\n        self.a = Stem(4, 4, 1)\n" in source


def test_scopes_that_share_no_module_are_two_classes_without_conditions() -> None:
    nodes, x = [], "x"
    weights = {}
    for number, name in enumerate(("dw", "dw", "conv")):
        weight = f"features.{number}.{name}.weight"
        weights[weight] = np.random.default_rng(number).standard_normal((4, 4, 1, 1)).astype(np.float32)
        path = f"/features/features.{number}"
        nodes.append(node("Conv", [x, weight], [f"c{number}"], name=f"{path}/{name}/Conv"))
        nodes.append(node("Add", [x, f"c{number}"], [f"s{number}"], name=f"{path}/Add"))
        x = f"s{number}"
    source = torch_source(network(model(nodes, {"x": ["N", 4, 8, 8]}, [x], weights)))
    assert "self.features = nn.Sequential(Feature(), Feature(), Feature2())" in source
    assert "has_" not in source


def test_numbered_modules_that_are_not_a_series_are_a_module_list() -> None:
    nodes, x = [], "x"
    weights = {}
    for number in range(3):
        weight = f"taps.{number}.weight"
        weights[weight] = np.random.default_rng(number).standard_normal((4, 4, 1, 1)).astype(np.float32)
        nodes.append(node("Conv", [x, weight], [f"c{number}"], name=f"/taps.{number}/Conv"))
        nodes.append(node("Add", [x, f"c{number}"], [f"s{number}"], name="/Add"))
        x = f"s{number}"
    nodes.append(node("Add", ["s2", "c0"], ["y"], name="/Add"))
    graph = network(model(nodes, {"x": ["N", 4, 8, 8]}, ["y"], weights))
    assert """
        self.taps = nn.ModuleList()
        self.taps.append(nn.Conv2d(4, 4, kernel_size=1, bias=False))
        self.taps.append(nn.Conv2d(4, 4, kernel_size=1, bias=False))
        self.taps.append(nn.Conv2d(4, 4, kernel_size=1, bias=False))

    def forward(self, x):
        taps0 = self.taps[0](x)
        x = x + taps0
        x = x + self.taps[1](x)
        return x + self.taps[2](x) + taps0
""" in torch_source(graph)


def test_a_scope_of_functions_is_pytorchs_modules() -> None:
    """An activation is a scope if its module has another one around, as a batch norm that was folded leaves it."""
    nodes = [
        node("Conv", ["x", "stem.conv.weight"], ["a"], name="/stem/conv/Conv"),
        node("LeakyRelu", ["a"], ["b"], name="/stem/bn/act/LeakyRelu", alpha=0.2),
        node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], name="/pool/MaxPool"),
        node("Sigmoid", ["c"], ["y"], name="/pool/Sigmoid"),
    ]
    weights = {"stem.conv.weight": np.ones((4, 3, 3, 3), np.float32)}
    source = torch_source(network(model(nodes, {"x": ["N", 3, 8, 8]}, ["y"], weights)))
    assert (
        """
        self.stem = series(
            conv=nn.Conv2d(3, 4, kernel_size=3, bias=False),
            bn=nn.LeakyReLU(negative_slope=0.2),
        )
        self.pool = nn.Sequential(nn.MaxPool2d(2, stride=1), nn.Sigmoid())
"""
        in source
    )


# --- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "variant", "name"),
    [
        ("ResNet", "resnet50", "ResNet50"),
        ("MobileNetV3", "mobilenet_v3_large", "MobileNetV3Large"),
        ("LeNet-5", None, "LeNet5"),
        ("3D U-Net", None, "Block3DUNet"),
        ("…", None, "Block"),
        ("VGG", "b", "B"),
        ("", "class", "Class"),
    ],
)
def test_a_network_has_the_name_that_its_paper_gives_it(family: str, variant: str | None, name: str) -> None:
    assert network_name(family, variant) == name


def test_names_of_classes_scopes_and_variables() -> None:
    assert [class_name(name) for name in ("conv_bn", "2a-x", "SE", "_")] == ["ConvBn", "Block2aX", "SE", "Block"]
    assert [scope_name(path) for path in ("layers.0", "stage2", "a.0.1", "0", "net.pass.1")] == [
        "layer", "stage", "a", "block", "pass",
    ]  # fmt: skip
    assert [free(stem, {"y"}) for stem in ("y", "class", "2a", "F", "a-b")] == ["y2", "class_", "_2a", "F2", "a_b"]


def test_two_blocks_whose_names_collide_are_two_classes() -> None:
    spec = """
input: [3, 8, 8]
blocks:
  conv-bn: {layers: [{conv: {out_channels: 4, kernel_size: 1}}]}
  conv_bn: {layers: [{conv: {out_channels: 5, kernel_size: 1}}]}
  scale_: {layers: [{scale: 1}]}
layers: [conv-bn, conv_bn, scale_]
"""
    tree = ast.parse(torch_source(loads(spec)))
    names = [item.name for item in tree.body if isinstance(item, ast.ClassDef)]
    assert names == ["Scale", "ConvBn", "ConvBn2", "ScaleBlock", "Text"]


# --- layers without a counterpart -----------------------------------------------------------------------------


def test_every_type_has_pytorch_code() -> None:
    """Types without a counterpart in PyTorch are listed here; there are none."""
    assert [
        name for name in layer_types() if not known(name).elsewhere.function and known(name).to_torch is Layer.to_torch
    ] == []


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("gather: {axis: 1, start: 7, sizes: [8], steps: [-1]}", "x.flip(2)"),
        ("gather: {axis: 1, start: 7, sizes: [4], steps: [-2]}", "x[:, :, range(7, -1, -2)]"),
        ("gather: {axis: 1, start: 7, sizes: [7], steps: [-1]}", "x[:, :, range(7, 0, -1)]"),
        ("pad: 1", "F.pad(x, (1, 1))"),
        ("power: 2", "x**2"),
        ("power: 1e25", "x**1e25"),  # PyTorch has no integer exponent beyond int64
    ],
)
def test_a_layer_is_written_as_people_write_it(item: str, code: str) -> None:
    assert torch_source(loads(f"input: [4, 8]\nlayers:\n  - {item}\n")).endswith(f"        return {code}\n")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            "[{gru: {hidden_size: 3, reset_after: false}}]",
            "net.yaml:2:11: 'gru1' is of type gru, but PyTorch resets the product with the state, and not the state "
            "itself (reset_after: false)",
        ),
        (
            "[{reshape: [1, 2, 2, 2, 2]}, {conv: {out_channels: 2, kernel_size: 1}}]",
            "net.yaml:2:39: 'conv1' is of type conv, but PyTorch has no convolution on 4 spatial axes",
        ),
        (
            "[{reshape: [1, 4, 4]}, {avgpool: {kernel_size: 2, dilation: 2}}]",
            "net.yaml:2:33: 'pool1' is of type avgpool, but PyTorch has no average or norm of a window with gaps (dilation)",
        ),
    ],
)
def test_what_pytorch_can_not_express_stops_with_its_place(
    layers: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.yaml").write_text(f"input: [4, 4]\nlayers: {layers}\n")
    monkeypatch.chdir(tmp_path)
    done = cnncalc("export", "net.yaml", "--to", "torch", "-o", "net.py")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message + "\n")
    assert not (tmp_path / "net.py").exists()


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    done = cnncalc("export", "lenet5", "-o", str(tmp_path / "net.py"))
    assert (done.code, done.err) == (0, "")
    assert body((tmp_path / "net.py").read_text()) == LENET5.lstrip()


HOSTILE = """
input: [4, 8, 8]
blocks:
  b:
    args: {torch: 4, kind: "'a'", x: 1, self: 1}
    layers:
      - conv: {out_channels: torch, kernel_size: x, stride: self}
      - relu:
        when: kind != 'b'
      - tanh:
        when: kind == 'b'
layers:
  - b: {torch: 5, kind: "'a\\\"; import os; {0.__class__}'"}
  - b: {torch: 6, kind: "'b'", x: 2}
  - b: {torch: 6, kind: "'b'", self: 2}
"""


def test_words_and_names_of_a_spec_can_not_leave_their_place() -> None:
    source = torch_source(loads(HOSTILE))
    tree = ast.parse(source)
    made = next(item for item in tree.body if isinstance(item, ast.ClassDef))
    init = made.body[1]
    assert isinstance(init, ast.FunctionDef)
    assert [argument.arg for argument in init.args.args] == [
        "self", "in_channels", "torch2", "x2", "self2", "kind",
    ]  # fmt: skip
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert 'a"; import os; {0.__class__}' in texts
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import) and node.names[0].name == "os"]


def test_a_block_that_shares_all_weights_is_the_same_module_once_more() -> None:
    source = torch_source(loads(SHARED))
    assert source.count("class Unit") == 1
    assert source.count("self.first(") == 2
    assert "self.again" not in source


SHARED = """
input: [4, 8, 8]
blocks:
  unit: {layers: [{conv: {out_channels: 4, kernel_size: 1}}, batchnorm, relu]}
layers:
  - unit: {}
    name: first
  - unit: {}
    name: again
    weights: first
"""
