"""Specs of a few kilobytes whose networks are as large as allowed, by layers, reads, steps and work.

Every one is valid or refused by a bound; what is looked at is how long a command takes over it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

LAYERS = 19_900  # beyond 20,000 time may grow with them
READS = 240_000
MOST_BYTES = 10_000


def spec(seed: int) -> str:
    """Return a small spec of a large network; the same seed gives the same text."""
    random = Random(seed)
    while True:
        text = random.choice(list(SHAPES.values()))(random)
        if len(text.encode()) <= MOST_BYTES:
            return text


def _alike(random: Random) -> str:
    """Return one layer, repeated."""
    layer = random.choice(
        ["relu", "conv: {out_channels: 2, kernel_size: 3, padding: 1}", "batchnorm", "maxpool: {kernel_size: 3, stride: 1, padding: 1}", "dropout",
         "upsample: 1", "softmax", "layernorm", "identity", "permute: [0, 2, 1]", "pad: [[1, 0]]", "slice: {axis: 1, start: 0}",
         "linear: {out_features: 8, axis: -1}", "lrn: 5", "avgpool: {kernel_size: 3, stride: 1, padding: same}", "prelu"]
    )  # fmt: skip
    return f"input: [2, 8, 8]\nlayers:\n  - {layer if ':' in layer else layer + ':'}\n    repeat: {LAYERS}\n"


def _different(random: Random) -> str:
    """Return layers no two of which are alike."""
    layer = random.choice(
        ["linear: 1 + i", "conv: {out_channels: 1 + i, kernel_size: 1}", "conv: {out_channels: 1 + i, kernel_size: 3, padding: 1, dilation: 1}",
         "conv: {out_channels: 1 + i, kernel_size: 1 + i % 7, padding: same}", "linear: {out_features: 1 + i, bias: i % 2 == 0}",
         "conv_transpose: {out_channels: 1 + i, kernel_size: 1}", "upsample: {size: 8 + i % 9}", "lstm: 1 + i", "adaptive_avgpool: 1 + i % 60",
         "conv: {out_channels: 1 + i, kernel_size: 3, padding: same, dilation: 1 + i % 3}", "conv: {out_channels: 8 + 8 * i, kernel_size: [3, 5], padding: same, groups: 4}", "pad: {padding: i % 2}", "tile: [1, 1]"]
    )  # fmt: skip
    input = "[4]" if "linear" in layer else "[4, 9]" if "lstm" in layer else random.choice(["[4, 9, 9]", "[4, 64]"])
    return f"input: {input}\nlayers:\n  - {layer}\n    for: i in range({LAYERS})\n"


def _scopes(random: Random) -> str:
    """Return nested named sequences."""
    depth = random.choice([2, 8, 14, 30, 60])
    length = min(random.choice([1, 8, 90]), 480 // depth)
    wide = random.randint(1, max(1, int(LAYERS ** (1 / min(depth, 14)))))
    lines = ["input: [2, 8, 8]", "layers:"]
    for level in range(depth):
        lines += ["  " * (2 * level + 1) + "- sequence:"]
    body = "  " * (2 * depth + 1)
    lines += [f"{body}- {random.choice(['relu', 'batchnorm', 'conv: {out_channels: 2, kernel_size: 3, padding: 1}'])}"]
    for level in reversed(range(depth)):
        repeat = wide if level < 14 else 1
        lines += [
            " " * (4 * level + 4) + f"name: {chr(97 + level % 26) * length}",
            " " * (4 * level + 4) + f"repeat: {repeat}",
        ]
    return "\n".join(lines) + "\n"


def _many_arguments(random: Random) -> str:
    """Return a block with very many arguments, used many times."""
    count, uses = random.choice([(450, 1), (450, 500), (300, 2000), (100, 6000), (10, LAYERS)])
    default = random.choice(["1", "a{} + 1", "in_channels", "a{}", "min(a{}, 9)"])
    args = ", ".join(f'a{i}: "{default.format(i - 1)}"' if i else "a0: 1" for i in range(count))
    last = random.choice(["relu:", f"relu:\n        when: a{count - 1} >= 0", f"pad: [[a{count - 1} * 0, 0]]"])
    return f"input: [2, 8, 8]\nblocks:\n  b:\n    args: {{{args}}}\n    layers:\n      - {last}\nlayers:\n  - b:\n    repeat: {uses}\n"


def _wide(random: Random) -> str:
    """Return merges of many inputs."""
    kind = random.choice(["add", "concat", "maximum", "multiply"])
    count = random.choice([2, 10, 100, 900])
    uses = min(READS // count, LAYERS) if kind != "concat" else 1
    return f"input: [1, 8]\nlayers:\n  - {kind}:\n      paths: [{', '.join(['[]'] * count)}]\n    repeat: {uses}\n"


def _paths(random: Random) -> str:
    """Return nested merges of paths."""
    depth = random.choice([1, 3, 10, 20])
    count = random.choice([2, 3, 30]) if depth < 4 else 2
    lines, body = (
        ["input: [2, 8, 8]", "layers:"],
        random.choice(["relu", "batchnorm", "conv: {out_channels: 2, kernel_size: 3, padding: 1}"]),
    )
    lines += [f"  - &p0 {body if ':' in body else body + ':'}"]
    each = max(1, int((LAYERS / count) ** (1 / depth) / count))

    def item(level: int) -> str:
        if not level:
            return f"{{{body if ':' in body else body + ': '}}}"
        inner = ", ".join(
            f"[{item(level - 1)}]" if i < 1 else f"[{{{body if ':' in body else body + ': '}}}]" for i in range(count)
        )
        return f"{{add: {{paths: [{inner}]}}, repeat: {each}}}"

    return "\n".join([*lines[:2], f"  - {item(depth)}"]) + "\n"


def _dense(random: Random) -> str:
    """Return layers that read all before them."""
    growth = random.choice(
        ["relu", "conv: {out_channels: 1, kernel_size: 3, padding: 1}", "upsample: {scale_factor: 1}"]
    )
    rounds, blocks = random.choice([(6500, 1), (650, 10), (60, 109), (12, 530)])
    inner = f"- {growth}" if ":" in growth else f"- {growth}:"
    return (
        f"input: [2, 8, 8]\nlayers:\n  - sequence:\n    - concat:\n        paths:\n          - []\n          - - conv: {{out_channels: 1, kernel_size: 3, padding: 1}}\n"
        f"            {inner}\n      repeat: {rounds}\n    - conv: {{out_channels: 2, kernel_size: 1}}\n    repeat: {blocks}\n"
    )


def _skips(random: Random) -> str:
    """Return items that read one from far above."""
    count = random.choice([100, 300])
    lines = ["input: [2, 8, 8]", "layers:"]
    for i in range(count):
        lines += [f"  - relu:\n    name: r{i}"]
    for i in random.sample(range(count), count):
        lines += [f"  - add:\n    from: [r{i}, r{random.randrange(count)}]"]
    return "\n".join(lines)[:9900].rpartition("\n  - ")[0] + "\n"


def _fields(random: Random) -> str:
    """Return layers whose receptive fields have no closed form."""
    kinds = ["upsample: {scale_factor: 1.3}", "upsample: {size: 61}", "upsample: {size: 37, mode: linear}", "conv: {out_channels: 2, kernel_size: 3, stride: 2, padding: 1}",
             "slice: {axis: 1, start: 1}", "pad: [[1, 0]]", "adaptive_avgpool: 41", "conv_transpose: {out_channels: 2, kernel_size: 3, stride: 2}", "layernorm",
             "slice: {axis: 1, step: 2}", "concat:\n        axis: 1\n        paths: [[], [relu]]", "fold: 2", "permute: [0, 1]", "cumsum: 1", "maxpool: 2"]  # fmt: skip
    chosen = random.sample(kinds, random.choice([2, 3, 4]))
    items = "".join(f"    - {kind}\n" for kind in [*chosen, "upsample: {size: 53}"])
    return f"input: [2, {random.choice([53, 1000, 100000])}]\nlayers:\n  - sequence:\n{items}    repeat: {LAYERS // (len(chosen) + 2)}\n"


def _work(random: Random) -> str:
    """Return expressions that use up the allowed work."""
    term = random.choice(
        ["sum(range(2900))", "len([0] * 2900)", "sum(zip(range(900), range(900))[7])", "max(range(2900))", "sum([1] * 2900)", "len('a' * 900)", "2 ** 52 % 7",
         "make_divisible(i, 8)", "int('9' * 9) if 0 else 1", "round(i / 3, 9)", "9007199254740991 // 7", "[i, [i, [i]]][1][1][0] * 0"]
    )  # fmt: skip
    count = random.choice([1, 8, 20])
    return f'input: [2, 8]\nlayers:\n  - relu:\n    for: i in range({random.choice([1000, 5000, LAYERS])})\n    when: "{" + ".join([term] * count)} >= 0"\n'


def _shared(random: Random) -> str:
    """Return layers that share weights."""
    layer = random.choice(["prelu", "conv: {out_channels: 2, kernel_size: 3, padding: 1}", "batchnorm"])
    return (
        f"input: [2, 8, 8]\nlayers:\n  - sequence:\n      - {layer}{'' if ':' in layer else ':'}\n        repeat: {random.choice([1, 100, 4000])}\n    name: a\n"
        f"  - sequence:\n      - {layer}{'' if ':' in layer else ':'}\n        repeat: 1\n    name: b\n    weights: a\n    repeat: {random.choice([100, 9000, 15000])}\n"
    )


def _recursion(random: Random) -> str:
    """Return a block that uses itself."""
    branches, depth = random.choice([(1, 60), (2, 13), (3, 8), (20, 3)])
    uses = "".join("      - b: n - 1\n        when: n > 0\n" for _ in range(branches))
    return f"input: [2, 8, 8]\nblocks:\n  b:\n    args: {{n}}\n    layers:\n      - relu\n{uses}layers:\n  - b: {depth}\n    repeat: {random.choice([1, 100])}\n"


def _inputs(random: Random) -> str:
    """Return a network of many inputs, vectors or maps of one or several sizes, before layers that see all of them."""
    count = random.choice([2, 300, 450])
    names = [f"x{i}" for i in range(count)]
    shape, merge = random.choice([("[2]", "add:"), ("[2, 9]", "add:"), ("[2, {}]", "concat: {axis: 1}")])
    inputs = ", ".join(f"{name}: {shape.format(9 + i % 7)}" for i, name in enumerate(names))
    layer = random.choice(["relu:", "conv: {out_channels: 2, kernel_size: 3, padding: 1}"][: 2 if "," in shape else 1])
    return f"input: {{{inputs}}}\nlayers:\n  - {merge}\n    from: [{', '.join(names)}]\n  - {layer}\n    repeat: {random.choice([1, 5000, 19000])}\n"


def _twins(random: Random) -> str:
    """Return a block that is used a few times, with very many figures that differ between uses."""
    uses = random.choice([2, 20, 2000])
    figure = random.choice(["1 + i + j * (i * i % 997)", "1 + i + j", "2 ** (i % 9) * (1 + j)"])
    return f"input: [4, 9, 9]\nlayers:\n  - sequence:\n      - conv: {{out_channels: {figure}, kernel_size: 1}}\n        for: i in range({LAYERS // uses})\n    name: s\n    for: j in range({uses})\n"


def _turned(random: Random) -> str:
    """Return permutations and reshapes, either repeated or all different."""
    count = random.choice(["2", "(1 + i % 60)"])
    return (
        f"input: [2, 3, 4]\nlayers:\n  - sequence:\n    - permute: [1, 2, 0]\n    - reshape: [4, 6]\n    - conv: {{out_channels: {count} * 2, kernel_size: 1}}\n"
        f'    - reshape: ["{count}", 3, 4]\n    - conv: {{out_channels: 2, kernel_size: 1}}\n    for: i in range({LAYERS // 5})\n'
    )


def _long_names(random: Random) -> str:
    """Return layers with different names of the greatest length."""
    depth = random.choice([1, 4])
    lines = ["input: [4, 9]", "layers:", *["  " * (2 * level + 1) + "- sequence:" for level in range(depth)]]
    indent = "  " * (2 * depth + 1)
    lines += [
        f"{indent}- conv: {{out_channels: 1 + i, kernel_size: 1}}",
        f"{indent}  name: {'n' * 90}",
        f"{indent}  for: i in range({LAYERS})",
    ]
    return (
        "\n".join(
            [*lines, *["  " * (2 * level + 2) + f"name: {chr(97 + level) * 96}" for level in reversed(range(depth))]]
        )
        + "\n"
    )


def _variants(random: Random) -> str:
    """Return a family of many variants."""
    count = random.choice([10, 100, 250])
    variants = "".join(f"  v{i}: {{args: {{n: {i + 1}}}}}\n" for i in range(count))
    return f"args: {{n: 1}}\nvariants:\n{variants}input: [2, 8]\nlayers:\n  - linear: {{out_features: 4 * n, axis: -1}}\n    repeat: {random.choice([1, 75, 5000])}\n"


def _absent(random: Random) -> str:
    """Return nested loops over items that are left out."""
    return (
        "input: [2, 8]\nlayers:\n  - sequence:\n      - sequence:\n          - relu:\n            when: i + j + k < 0\n"
        f"            for: k in range({random.choice([10, 30])})\n        for: j in range({random.choice([10, 40])})\n    for: i in range({random.choice([30, 50])})\n  - relu\n"
    )


def _faulty(random: Random) -> str:
    """Return a mistake in each line, or one in every round of a loop."""
    line = random.choice(
        [
            "cnov: 3",
            "linear: widht",
            "conv: {out_channels: x, kernel: 3}",
            "relu: 1",
            "linear: '(((('",
            "add",
            "relu:\n    nmae: a",
            "linear: {out_features: 3, axis: 9}",
        ]
    )
    many = "".join(f"  - {line}\n" for _ in range(300))[:9900]
    once = f"  - {line if ':' in line else line + ':'}\n    repeat: 15000\n" if "nmae" not in line else many
    return f"input: [2, 8, 8]\nlayers:\n{random.choice([many, once])}"


def _aliases(random: Random) -> str:
    """Return an item with an anchor and many aliases."""
    body = ", ".join(["relu", "batchnorm", "{conv: {out_channels: 2, kernel_size: 3, padding: 1}}"] * 3)
    return (
        f"input: [2, 8, 8]\nlayers:\n  - sequence: &s [{body}]\n"
        + "  - sequence: *s\n" * 300
        + f"  - sequence: *s\n    repeat: {random.choice([10, 1000])}\n"
    )


def _looked_up(random: Random) -> str:
    """Return items in nested scopes that name an item far outside, or far inside."""
    depth, many = random.choice([5, 25, 55]), random.choice([10, 1000, 15000])
    lines = ["input: [2, 8, 8]", "layers:", "  - relu:", "    name: outermost"]
    for level in range(depth):
        lines += [" " * (4 * level + 2) + "- sequence:"]
    body = " " * (4 * depth + 2)
    lines += [f"{body}- relu:", f"{body}  from: outermost", f"{body}  repeat: {many}"]
    for level in reversed(range(depth)):
        lines.append(" " * (4 * level + 4) + "name: s")
    return "\n".join([*lines, "  - relu:", f"    from: {'.'.join(['s'] * min(depth, 25))}"]) + "\n"


def _confused(random: Random) -> str:
    """Return names that look alike: letters of other scripts, with marks, or wide."""
    signs = random.choice(["аеорсух", "ＡＢＣ", "e\u0301", "\u202e\u2066", "名前層", "𝐚𝐛𝐜", "١٢٣", "²³¹", "ǆǅ"])
    names = [signs * (1 + i % 9) + str(i) for i in range(150)]
    args = ", ".join(f"{name}: {i}" for i, name in enumerate(names))
    items = "".join(f"  - linear: {name[::-1]}\n" for name in names)
    return f"args: {{{args}}}\ninput: [3]\nlayers:\n{items}"[:4000]


SHAPES: dict[str, Callable[[Random], str]] = {
    "alike": _alike, "different": _different, "scopes": _scopes, "many arguments": _many_arguments, "wide": _wide, "paths": _paths, "dense": _dense,
    "skips": _skips, "fields": _fields, "work": _work, "shared": _shared, "recursion": _recursion, "inputs": _inputs, "variants": _variants,
    "twins": _twins, "turned": _turned, "long names": _long_names, "absent": _absent, "faulty": _faulty, "aliases": _aliases, "looked up": _looked_up, "confused": _confused,
}  # fmt: skip
