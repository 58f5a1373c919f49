"""Wrong values: every argument of every layer type is given values that it was not made for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite, prod
from random import Random
from typing import Any

import yaml

from cnncalc.ground.errors import CnncalcError
from cnncalc.layers import LayerError, layer_types
from cnncalc.layers.shapes import Shape
from tests.execution.networks import spec as build
from tests.fuzz import hostile, running
from tests.fuzz.items import MOST_ELEMENTS, MOST_MACS, given, layer
from tests.layers.building import known

VALUES = (
    "null", "true", "false", "''", "x", "ü", "channels", "same", "valid", "relu", "[]", "[[]]", "[null]", "[true]", "[x]", "{}",
    "{a: 1}", "0", "-1", "1", "2", "3", "8", "-7", "1.5", "0.5", "-0.5", "1.0", "1e308", "-1e308", "1e-308", ".nan", ".inf", "-.inf",
    "100000", "4294967296", "9007199254740991", "9007199254740992", "-9007199254740992", "1152921504606846976", "[0]", "[-1]", "[1, 2]",
    "[2, 1]", "[0, 0]", "[3, -3]", "[1.5, 1]", "[1, null]", "[1, x]", "[.nan, 1]", "[.inf]", "[0, 1, 2]", "[1, 2, 3, 4]", "[[1, 2]]",
    "[[1, 2], [3, 4]]", "[[1, 2], 3]", "[[1, 2, 3], [1]]", "[[[1]]]", "[1, 1, 1, 1, 1, 1, 1, 1, 1]", "2014-10-11", "010", "3:30", "1_000",
    "ab->ba", "a,b->ab", "->", "'...'", "[9007199254740991, 9007199254740991]",
)  # fmt: skip
"""Values as a spec has them: of other kinds, too large, too small, not finite, nested, of other lengths."""

EXPRESSIONS = (
    "in_channels", "in_shape", "in_shape[9]", "'in_shape[:2]'", "1 // 0", "1 / 3", "2 ** 62", "range(3)", "range(10 ** 9)",
    "'[0] * 5000'", "'[[1, 2]] * 3'", "len(in_shape)", "true and false", "3px", "\"'same'\"",
)  # fmt: skip
"""Values that only the language computes."""

SHAPES: tuple[Shape, ...] = ((8,), (8, 9), (8, 6, 9), (4, 4, 5, 6), (1, 1))


def faults_of(name: str) -> Iterator[str]:
    """Yield what a layer type does with a wrong value of one argument, beside refusing it and counting."""
    arguments, inputs = given(known(name).example)
    shapes = (inputs, *[(shape,) * len(inputs) for shape in SHAPES])
    for key in known(name).arguments:
        for value in VALUES:
            try:
                made = layer(name, arguments | {key: yaml.safe_load(value)})
            except LayerError:
                continue
            except Exception as error:
                yield f"{key}: {value}: {error!r}"
                continue
            yield from (f"{key}: {value}: {fault}" for of in shapes for fault in _uncounted(made, of))


def _uncounted(made: Any, inputs: tuple[Shape, ...]) -> Iterator[str]:
    """Yield what is wrong with the figures of a layer's use."""
    try:
        use = made.apply(inputs)
        made.resolved(len(inputs[0]) - 1 if inputs else 0).described(*inputs)
    except LayerError:
        return
    except Exception as error:
        yield f"on {inputs}: {error!r}"
        return
    figures = (*use.output, use.params, use.buffers, use.macs, use.flops or 0)
    if not all(type(figure) is int for figure in use.output) or min(use.output) < 1:
        yield f"on {inputs}: the output is {use.output}"
    if not all(isfinite(figure) and figure >= 0 for figure in figures):
        yield f"on {inputs}: the figures are {figures}"


def spec(seed: int) -> str:
    """Return a spec of one layer with a few wrong arguments; the same seed gives the same text."""
    random = Random(seed)
    name = random.choice([name for name in layer_types() if known(name).arguments])
    arguments, inputs = given(known(name).example)
    if random.random() < 0.5:
        inputs = (random.choice(SHAPES),) * len(inputs)
    texts = {key: json.dumps(value) for key, value in arguments.items()}
    keys = [*known(name).arguments]
    for key in random.sample(keys, min(len(keys), random.choice([1, 1, 2, 3]))):
        words = known(name).arguments[key].words
        texts[key] = random.choice(random.choice([VALUES, VALUES, EXPRESSIONS, words or VALUES]))
    names = [f"in{number}" for number in range(len(inputs))]
    item = f"{name}: {{{', '.join(f'{key}: {value}' for key, value in texts.items())}}}"
    shapes = ", ".join(f"{name}: {list(shape)}" for name, shape in zip(names, inputs, strict=True))
    source = f"    from: [{', '.join(names)}]\n" if names else ""
    return f"input: {{{shapes or 'unread: [3]'}}}\nlayers:\n  - {item}\n{source}"


def faults(text: str, seed: int, patience: float = 1.0) -> list[str]:
    """Return what is wrong with a command's answer to the spec, and with the runs of its network if it is one."""
    found = hostile.faults(text, hostile.command(seed), patience)
    try:
        nodes = build(text).nodes
    except CnncalcError:
        return found
    small = all(
        prod(node.shape) <= MOST_ELEMENTS and node.use.macs <= MOST_MACS and node.use.params <= MOST_MACS
        for node in nodes
    )
    return found + (running.faults(text, seed) if small else [])
