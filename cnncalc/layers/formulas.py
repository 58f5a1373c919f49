"""The formulas of a layer: its rules, run on symbols in place of integers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, TypeVar

from cnncalc.layers.shapes import axis_names
from cnncalc.layers.symbols import Formula, Symbol, formula, named_shape

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer
    from cnncalc.layers.shapes import Shape

L = TypeVar("L", bound="Layer")


def derive(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> list[Formula]:
    """Run a layer's rules on symbols and return the resulting formulas, output axes first."""
    named = symbolic(layer, layer.map_axes(inputs))
    suffixes = ["_in"] if len(inputs) == 1 else [f"_in{i + 1}" for i in range(len(inputs))]
    ins = tuple([named_shape(*pair) for pair in zip(inputs, suffixes, strict=True)])
    outs = named_shape(output, "_out")
    traced = named.output_shape(*ins)
    formulas = [formula(out.text, size) for out, size in zip(outs, traced, strict=True)]
    named.__dict__["output_shape"] = lambda *inputs: outs  # the following formulas use the output's axes by name
    formulas += _weight_formulas(named, ins)
    formulas += _counted("macs", lambda: named.macs(ins, outs))
    formulas += _counted("flops", lambda: named.flops(ins, outs))
    return formulas


def symbolic(layer: L, rank: int) -> L:
    """Return a copy of a resolved layer with its integer arguments replaced by symbols (K, S, P, D …)."""
    copy: L = object.__new__(type(layer))
    for name, argument in layer.arguments.items():
        value = layer.__dict__[name]
        symbol = argument.symbol or name
        if (symbol, value) == ("G", 1):  # a single group needs no symbol
            copy.__dict__[name] = value
        elif argument.axes and isinstance(value, tuple):
            letters = [letter.lower() for letter in axis_names(rank + 1)[1:]]
            names = [symbol if len(set(value)) == 1 else f"{symbol}_{letter}" for letter in letters]
            copy.__dict__[name] = tuple([_symbols(*axis) for axis in zip(value, names, strict=True)])
        else:
            figure = argument.symbol or isinstance(value, int)
            copy.__dict__[name] = _symbols(value, symbol) if figure else value
    return copy


def _symbols(value: object, name: str) -> object:
    """Return an integer as a symbol, a pair as two; everything else unchanged."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Symbol(value, name)
    if isinstance(value, tuple) and len(value) == 2:
        return Symbol.pair(*value, name)
    return value


def _weight_formulas(layer: Layer, ins: tuple[Shape, ...]) -> list[Formula]:
    sizes = {name: weight for name, weight in layer.weights(*ins).items() if weight.trainable}
    formulas = [formula(name, prod(weight.shape)) for name, weight in sizes.items()]
    total = sum(formula.value for formula in formulas)
    if len(formulas) == 1:
        return [formulas[0]._replace(symbol="params")]
    if formulas:
        numbers = " + ".join(f"{formula.value:,}" for formula in formulas)
        formulas.append(Formula("params", " + ".join(formula.symbol for formula in formulas), numbers, total))
    return formulas


def _counted(name: str, count: Callable[[], int | None]) -> list[Formula]:
    value = count()
    return [] if value is None else [formula(name, value)]
