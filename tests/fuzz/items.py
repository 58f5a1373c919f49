"""Random layers: arguments of every layer type that fit an input's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from random import Random
from typing import Any, NamedTuple

import yaml

from cnncalc.layers import LayerError, layer_types
from cnncalc.layers.arguments import REQUIRED
from cnncalc.layers.base import Example, Layer
from cnncalc.layers.shapes import Shape
from tests.layers.building import frozen, known

MOST_ELEMENTS = 60_000  # largest number of elements of a layer's output, and
MOST_MACS = 4_000_000  # products of a layer, so that a network takes a few milliseconds
TRIES = 40

Arguments = dict[str, Any]


class Item(NamedTuple):
    """A layer as a spec has it, and its output shape."""

    type: str
    arguments: Arguments
    shape: Shape

    def text(self) -> str:
        """Return ``conv: {"out_channels": 8}``."""
        return f"{self.type}: {json.dumps(self.arguments)}" if self.arguments else f"{self.type}:"


def layer(name: str, arguments: Arguments) -> Layer:
    """Return the layer of a type with arguments from JSON.  Raises LayerError if they don't fit."""
    return known(name)(**{key: frozen(value) for key, value in arguments.items()})


def item(random: Random, shape: Shape, keep: bool = False) -> Item:
    """Return a random layer for an input; with `keep` one whose output has the input's shape."""
    for _ in range(TRIES):
        name = random.choice(NAMES)
        try:
            arguments = ARGUMENTS.get(name, _none)(random, shape, keep)
            if not keep:
                arguments = varied(random, name, arguments, (shape,), 0.1)
            use = layer(name, arguments).apply((shape,))
        except LayerError:
            continue
        if prod(use.output) <= MOST_ELEMENTS and use.macs <= MOST_MACS and (use.output == shape or not keep):
            return Item(name, arguments, use.output)
    return Item("relu", {}, shape)


def given(example: Example) -> tuple[Arguments, tuple[Shape, ...]]:
    """Return the arguments of an example by name, and its inputs."""
    name, _, values = example.item.partition(":")
    content = yaml.safe_load(values) or {}
    return content if isinstance(content, dict) else {next(iter(known(name).arguments)): content}, example.inputs


def drawn(random: Random, example: Example) -> Item:
    """Return the layer of an example, with some words and flags drawn at random."""
    name = example.item.partition(":")[0]
    arguments = varied(random, name, given(example)[0], example.inputs, 0.4)
    return Item(name, arguments, layer(name, arguments).apply(example.inputs).output)


def varied(random: Random, name: str, arguments: Arguments, inputs: tuple[Shape, ...], share: float) -> Arguments:
    """Return arguments with other words and flags, if the layer accepts the combination."""
    for key, argument in known(name).arguments.items():
        words = [*argument.words] if argument.only_words else [True, False] if argument.flag else []
        if not words or not _chance(random, share):
            continue
        tried = arguments | {key: random.choice(words)}
        try:
            layer(name, tried).apply(inputs)
            arguments = tried
        except LayerError:
            pass
    return arguments


# --- arguments, type by type ---------------------------------------------------------------------------------


def _none(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {}


def _chance(random: Random, share: float = 0.5) -> bool:
    return random.random() < share


def _axes(random: Random, shape: Shape, draw: Callable[[], Any]) -> Any:
    """Return one value for all spatial axes, or one for each."""
    return draw() if _chance(random) or len(shape) < 2 else [draw() for _ in shape[1:]]


def _divisor(random: Random, *numbers: int) -> int:
    return random.choice([d for d in range(1, min(numbers) + 1) if not any(number % d for number in numbers)])


def _padding(random: Random, shape: Shape) -> Any:
    choice = random.randrange(5)
    if choice < 2:
        return ("same", "valid")[choice]
    if choice == 4:
        return [[random.randrange(3), random.randrange(3)] for _ in shape[1:]]
    return _axes(random, shape, lambda: random.randrange(3))


def _channels(random: Random, shape: Shape) -> int:
    return random.choice([1, 2, 3, 4, 6, 8, 12, 16, 32, 48, 64, shape[0], shape[0], 2 * shape[0]])


def _conv(random: Random, shape: Shape, keep: bool) -> Arguments:
    out = shape[0] if keep else _channels(random, shape)
    dilation = 1 if _chance(random, 0.8) else 2
    if keep or _chance(random):
        kernel = random.choice([1, 1, 3, 3, 3, 5])
        window = {"kernel_size": kernel, "padding": dilation * (kernel - 1) // 2, "dilation": dilation}
    else:
        window = {
            "kernel_size": _axes(random, shape, lambda: random.choice([1, 2, 3, 3, 4, 5])),
            "stride": _axes(random, shape, lambda: random.choice([1, 1, 2, 3])),
            "padding": _padding(random, shape),
            "dilation": _axes(random, shape, lambda: dilation),
        }
    groups = _divisor(random, shape[0], out) if _chance(random, 0.3) else 1
    if _chance(random, 0.15):
        groups = out = shape[0]
    return {"out_channels": out, **window, "groups": groups, "bias": _chance(random, 0.7)}


def _conv_transpose(random: Random, shape: Shape, keep: bool) -> Arguments:
    made = {
        "out_channels": shape[0] if keep else random.choice([1, 2, 3, 8, shape[0]]),
        "kernel_size": _axes(random, shape, lambda: random.choice([1, 2, 3, 4])),
        "stride": 1 if keep else _axes(random, shape, lambda: random.choice([1, 2, 3])),
        "padding": "same" if keep or _chance(random, 0.3) else random.randrange(2),
    }
    if made["padding"] != "same" and _chance(random, 0.3):
        made |= {"output_padding": 1, "dilation": random.choice([1, 2])}
    return made | {"groups": _divisor(random, shape[0], made["out_channels"]) if _chance(random, 0.3) else 1}


def _locally_connected(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {
        "out_channels": shape[0] if keep else random.choice([1, 2, 5]),
        "kernel_size": 3 if keep else _axes(random, shape, lambda: random.choice([1, 2, 3])),
        "padding": "same" if keep else _padding(random, shape),
        "bias": _chance(random),
    }


def _linear(random: Random, shape: Shape, keep: bool) -> Arguments:
    axis = random.randrange(-len(shape), len(shape))
    out = shape[axis] if keep else random.choice([1, 3, 10, 40])
    return {"out_features": out, "bias": _chance(random)} | ({"axis": axis} if len(shape) > 1 else {})


def _pool(random: Random, shape: Shape, keep: bool) -> Arguments:
    if keep:
        return {"kernel_size": 3, "stride": 1, "padding": 1}
    made = {"kernel_size": _axes(random, shape, lambda: random.choice([1, 2, 2, 3, 3, 4])), "padding": "valid"}
    if _chance(random, 0.7):
        made |= {
            "stride": _axes(random, shape, lambda: random.choice([1, 2, 2, 3])),
            "padding": _padding(random, shape),
        }
    return made | {"rounding": random.choice(["floor", "floor", "ceil", "caffe"])}


def _maxpool(random: Random, shape: Shape, keep: bool) -> Arguments:
    return _pool(random, shape, keep) | ({} if keep or _chance(random, 0.8) else {"dilation": 2})


def _avgpool(random: Random, shape: Shape, keep: bool) -> Arguments:
    return _pool(random, shape, keep) | {"count_include_pad": _chance(random)}


def _lppool(random: Random, shape: Shape, keep: bool) -> Arguments:
    return _pool(random, shape, keep) | {"norm_type": 2}  # other exponents give nan for negative sums


def _adaptive(random: Random, shape: Shape, keep: bool) -> Arguments:
    if keep:
        return {"output_size": [None] * len(shape[1:])}
    return {"output_size": _axes(random, shape, lambda: random.choice([1, 2, 3, 5, 7]))}


def _axis(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"axis": random.randrange(-len(shape), len(shape))} if _chance(random, 0.8) else {}


def _layernorm(random: Random, shape: Shape, keep: bool) -> Arguments:
    some = random.sample(range(len(shape)), random.randint(1, len(shape)))
    return {"axis": some, "affine": _chance(random), "bias": _chance(random)} if _chance(random, 0.7) else {}


def _batchnorm(random: Random, shape: Shape, keep: bool) -> Arguments:
    if _chance(random, 0.6):
        return {}
    return {"affine": _chance(random), "track_running_stats": _chance(random, 0.9), "eps": random.choice([1e-3, 1e-5])}


def _groupnorm(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"num_groups": _divisor(random, shape[0]), "affine": _chance(random)}


def _reshape(random: Random, shape: Shape, keep: bool) -> Arguments:
    total = prod(shape)
    first = _divisor(random, total)
    second = _divisor(random, total // first)
    return {"shape": random.choice([[-1], [first, -1], [first, second, -1], list(shape)])}


def _pad(random: Random, shape: Shape, keep: bool) -> Arguments:
    mode = random.choice(["constant", "reflect", "replicate", "circular"])
    return {"padding": 0 if keep else _axes(random, shape, lambda: random.randrange(3)), "mode": mode}


def _center_crop(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"size": list(shape[1:]) if keep else [random.randint(1, size) for size in shape[1:]] or 1}


def _slice(random: Random, shape: Shape, keep: bool) -> Arguments:
    axis = random.randrange(len(shape))
    start = 0 if keep else random.randrange(shape[axis])
    made = {"axis": axis, "start": random.choice([start, start - shape[axis]])}
    return made if keep else made | {"step": random.choice([1, 1, 2, 3])}


def _upsample(random: Random, shape: Shape, keep: bool) -> Arguments:
    mode: Arguments = {"mode": random.choice(["nearest", "linear", "nearest-exact", "cubic"])}
    if mode["mode"] in ("linear", "cubic"):
        mode["align_corners"] = _chance(random)
    if keep:
        return mode | {"scale_factor": 1}
    if _chance(random):
        return mode | {"scale_factor": _axes(random, shape, lambda: random.choice([1, 2, 2, 3, 1.5, 0.5]))}
    return mode | {"size": [random.randint(1, 2 * size) for size in shape[1:]] or 1}


def _hardtanh(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"min_val": random.choice([-1, -0.5, 0]), "max_val": random.choice([0.5, 1, 2.5])} if _chance(random) else {}


def _permute(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"dims": random.sample(range(len(shape)), len(shape))}


def _recurrent(random: Random, shape: Shape, keep: bool) -> Arguments:
    ways = random.choice([{}, {"bidirectional": True}, {"reverse": True}])
    hidden = shape[-1] // (2 if "bidirectional" in ways else 1) if keep else random.choice([1, 3, 8])
    return {"hidden_size": max(hidden, 1), "bias": _chance(random, 0.7), **ways}


def _gru(random: Random, shape: Shape, keep: bool) -> Arguments:
    return _recurrent(random, shape, keep) | {"reset_after": _chance(random)}


def _reduction(random: Random, shape: Shape, keep: bool) -> Arguments:
    some: Any = random.sample(range(-len(shape), 0), random.randint(1, len(shape)))
    return {"axis": random.choice([some[0], some, None]), "keepdims": _chance(random)}


def _argmax(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"axis": random.randrange(len(shape)), "keepdims": _chance(random)}


def _gather(random: Random, shape: Shape, keep: bool) -> Arguments:
    axis = random.randrange(len(shape))
    count = shape[axis] if keep else random.randint(1, 5)
    return {"axis": axis, "indices": [random.randrange(-shape[axis], shape[axis]) for _ in range(count)]}


def _select(random: Random, shape: Shape, keep: bool) -> Arguments:
    axis = random.randrange(len(shape))
    return {"axis": axis, "index": random.randrange(-shape[axis], shape[axis])}


def _topk(random: Random, shape: Shape, keep: bool) -> Arguments:
    axis = random.randrange(len(shape))
    return {"axis": axis, "k": shape[axis] if keep else random.randint(1, shape[axis]), "largest": _chance(random)}


def _einsum(random: Random, shape: Shape, keep: bool) -> Arguments:
    letters = "abcdefgh"[: len(shape)]
    kept = letters if keep else "".join(random.sample(letters, random.randint(1, len(letters))))
    return {"equation": f"{letters}->{kept}"}


def _tile(random: Random, shape: Shape, keep: bool) -> Arguments:
    return {"repeats": [1 if keep else random.choice([1, 1, 2, 3]) for _ in shape]}


ARGUMENTS: dict[str, Callable[[Random, Shape, bool], Arguments]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "locally_connected": _locally_connected,
    "linear": _linear,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "lppool": _lppool,
    "adaptive_avgpool": _adaptive,
    "adaptive_maxpool": _adaptive,
    "softmax": _axis,
    "log_softmax": _axis,
    "layernorm": _layernorm,
    "batchnorm": _batchnorm,
    "groupnorm": _groupnorm,
    "instancenorm": lambda random, shape, keep: {"affine": _chance(random)},
    "lrn": lambda random, shape, keep: {"size": random.randint(1, 5), "alpha": random.choice([1e-4, 0.5])},
    "reshape": _reshape,
    "pad": _pad,
    "center_crop": _center_crop,
    "slice": _slice,
    "upsample": _upsample,
    "permute": _permute,
    "pixel_shuffle": lambda random, shape, keep: {"upscale_factor": random.choice([1, 2])},
    "pixel_unshuffle": lambda random, shape, keep: {"downscale_factor": random.choice([1, 2])},
    "im2col": lambda random, shape, keep: {"kernel_size": random.randint(1, 3), "padding": random.choice([1, "same"])},
    "channel_shuffle": lambda random, shape, keep: {"groups": _divisor(random, shape[0])},
    "hardtanh": _hardtanh,
    "prelu": lambda random, shape, keep: {"num_parameters": random.choice([1, "channels"])},
    "gelu": lambda random, shape, keep: {"approximate": random.choice(["none", "tanh"])},
    "scale": lambda random, shape, keep: {"init": 0.5, "bias": _chance(random)},
    "lstm": _recurrent,
    "gru": _gru,
    "rnn": lambda random, shape, keep: (
        _recurrent(random, shape, keep) | {"nonlinearity": random.choice(["tanh", "relu"])}
    ),
    **dict.fromkeys(["mean", "sum", "max", "min", "norm1", "norm2"], _reduction),
    "argmax": _argmax,
    "cumsum": lambda random, shape, keep: (
        _axis(random, shape, keep) | {"reverse": _chance(random), "exclusive": _chance(random)}
    ),
    "l2_normalize": _axis,
    "rmsnorm": _axis,
    "gather": _gather,
    "select": _select,
    "topk": _topk,
    "einsum": _einsum,
    "tile": _tile,
    "expand": lambda random, shape, keep: {
        "shape": [-1 if size > 1 or keep else random.randint(1, 4) for size in shape]
    },
    "trilu": lambda random, shape, keep: {"upper": _chance(random), "k": random.randint(-2, 2)},
    "power": lambda random, shape, keep: {"exponent": 2},
    "affine": lambda random, shape, keep: {"mul": random.choice([0.125, 1, -2]), "add": random.choice([0, 1])},
}
"""How arguments are drawn: a function of (random, the input's shape, whether the shape should stay) for each type that
takes any that matter."""

OFTEN = ("conv", "conv", "conv", "conv", "batchnorm", "relu", "relu6", "hardtanh")
"""Layer types that the executor fuses."""


def _drawn() -> tuple[str, ...]:
    """Return the layer types that are drawn for any input: their arguments are drawn, or they need none."""
    names = []
    for name in layer_types():
        cls = known(name)
        optional = all(argument.default is not REQUIRED for argument in cls.arguments.values())
        least, most = cls.arity
        if (name in ARGUMENTS or (optional and most == 1)) and least == 1 and cls.times is Layer.times:
            names.append(name)
    return (*names, *OFTEN * 4)


NAMES = _drawn()
RARE = tuple(name for name in layer_types() if name not in NAMES)
"""All other types, for which examples are used: mergers, and types whose arguments depend on their input."""
