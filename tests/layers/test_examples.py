"""Every layer type is documented and counted, and its example in the documentation is right."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cnncalc import loads
from cnncalc.layers import layer_type, layer_types
from cnncalc.layers.base import KINDS, Layer
from tests.layers.building import NAMES, known, use


def test_all_layer_types_are_found() -> None:
    assert sorted(layer_types()) == sorted(NAMES)


def test_an_unknown_name_is_no_type() -> None:
    assert layer_type("Conv2d") is None
    assert layer_type("_windowed") is None


@pytest.mark.parametrize("name", NAMES)
def test_a_type_is_documented_and_counted(name: str) -> None:
    cls = known(name)
    assert cls.kind in KINDS
    assert cls.__dict__.get("__doc__"), "a docstring of its own"
    assert all(argument.help for argument in cls.arguments.values())
    assert cls.operations is not None or cls.flops is not Layer.flops
    assert cls.forward is not Layer.forward


@pytest.mark.parametrize("name", [name for name in NAMES if known(name).kind not in ("conv", "fc", "shape")])
def test_flops_that_are_not_of_a_contraction_are_spelled_out(name: str) -> None:
    assert "lops" in (known(name).__doc__ or "")


@pytest.mark.parametrize("name", NAMES)
def test_the_example_holds(name: str) -> None:
    example = known(name).example
    done = use(example.item, *example.inputs)
    assert done.output == example.output
    assert done.params == example.params
    assert done.macs == example.macs
    assert done.flops == example.flops


@pytest.mark.parametrize("name", NAMES)
def test_the_example_holds_in_a_spec(name: str) -> None:
    example = known(name).example
    inputs = {f"x{i}": list(shape) for i, shape in enumerate(example.inputs or [(1,)])}
    colon = "" if ":" in example.item else ":"
    sources = ", ".join(inputs) if example.inputs else ""
    text = f"input: {inputs}\nlayers:\n  - {example.item}{colon}\n    from: [{sources}]\n"
    network = loads(text, name="example.yaml")
    node = network.nodes[-1]
    assert node.shape == example.output
    figures = (node.params, node.use.macs, node.use.flops)
    assert figures == (example.params, example.macs, example.flops)


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_plain_integers(name: str) -> None:
    example = known(name).example
    done = use(example.item, *example.inputs)
    figures = [*done.output, done.params, done.buffers, done.macs, done.flops]
    figures += [size for weight in done.weights.values() for size in weight.shape]
    assert {type(figure) for figure in figures} == {int}


@pytest.mark.parametrize("slow", ["", "import numpy\n"])
def test_the_rules_need_no_slow_import(slow: str) -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from cnncalc.layers import layer_type, layer_types\n"
        f"assert all(map(layer_type, layer_types()))\n{slow}"
        "print(*sorted({'numpy', 'dataclasses', 'inspect', 'fractions'} & set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ("numpy" in done.stdout) is bool(slow)  # the second case shows that the first can fail
    assert slow or not done.stdout.split()
