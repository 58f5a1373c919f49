"""Random specs of valid networks: layers of every type with residuals, gates, branches, shared weights and loops."""

from __future__ import annotations

from math import prod
from random import Random

from cnncalc.layers.shapes import Shape
from tests.fuzz.items import RARE, Item, drawn, item, layer
from tests.layers.building import known, make

MOST_DEPTH = 2  # depth of nested paths
MOST_OF_EXAMPLE = 1_000_000  # largest number of elements of an example that is used unchanged

Lines = list[str]


def spec(seed: int) -> str:
    """Return the text of a random network; the same seed gives the same text."""
    return _Writer(Random(seed)).document()


class _Writer:
    """Writes items one after the other, and keeps track of their output shapes."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.names: dict[str, Shape] = {}  # shapes of items at the top level, which others may read
        self.count = 0

    def document(self) -> str:
        """Return a whole spec."""
        shape = self._input()
        lines: Lines = []
        if self.random.random() < 0.25:
            head, lines, shape = self._rare()
        elif self.random.random() < 0.25:
            head = f"input: {{a: {list(shape)}, b: {list(shape)}}}"
            kind = self.random.choice(["add", "concat", "multiply", "subtract"])
            lines += [f"- {kind}:", "  from: [a, b]"]
            shape = (2 * shape[0], *shape[1:]) if kind == "concat" else shape
        else:
            head = f"input: {list(shape)}"
        for number in range(self.random.randint(1, 7)):  # a loop might be empty, so that the first item is none
            added, shape = self._item(shape, 0) if number or lines else self._plain(shape, 0)
            if not any(line.startswith(("  name:", "  repeat:", "  for:")) for line in added):
                name = self._name()
                added.append(f"  name: {name}")
                self.names[name] = shape
            lines += added
        text = "\n".join([head, "layers:", *("  " + line for line in lines)])
        outputs = self.random.sample(sorted(self.names), min(len(self.names), 2))
        return text + (f"\noutputs: [{', '.join(outputs)}]\n" if outputs and self.random.random() < 0.3 else "\n")

    def _input(self) -> Shape:
        rank = self.random.choice([0, 1, 1, 2, 2, 2, 2, 3])
        most = (60, 60, 34, 9)[rank]
        channels = self.random.choice([1, 2, 3, 4, 6, 8, 12, 16, 32, 48, 64])
        return (channels if rank < 3 else min(channels, 12), *(self.random.randint(1, most) for _ in range(rank)))

    def _rare(self) -> tuple[str, Lines, Shape]:
        """Return the example of a layer type that fits few inputs, with its inputs and its output shape."""
        while True:
            example = known(self.random.choice(RARE)).example
            if sum(map(prod, (*example.inputs, example.output))) <= MOST_OF_EXAMPLE:
                break
        found = drawn(self.random, example)
        if not example.inputs:  # a tensor without inputs is merged with another one
            lines = [*_written(found), "  name: p", "- add:", "  from: [input, p]"]
            return f"input: {list(found.shape)}", lines, found.shape
        names = [f"x{number}" for number in range(len(example.inputs))]
        inputs = ", ".join(f"{name}: {list(shape)}" for name, shape in zip(names, example.inputs, strict=True))
        lines, shape = [*_written(found), f"  from: [{', '.join(names)}]"], found.shape
        times = make(example.item).times(example.inputs, 1)
        if times != 1:  # samples become windows of one sample again
            lines.append(f"- unfold: {times}")
            shape = known("unfold")(size=times).apply((shape,)).output
        return f"input: {{{inputs}}}", lines, shape

    def _name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    # --- one item, or a few together -----------------------------------------------------------

    def _item(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        kinds = [self._plain] * 6 + [self._shared, self._repeated, self._for]
        if depth < MOST_DEPTH:
            kinds += [self._merged, self._merged, self._concat, self._gate, self._dense]
        if depth == 0:
            kinds += [self._skip, self._skip, self._with_itself, self._folded]
        return self.random.choice(kinds)(shape, depth)

    def _path(self, shape: Shape, depth: int) -> Lines:
        """Return a few items that keep the shape."""
        lines: Lines = []
        for _ in range(self.random.randint(1, 3)):
            if depth < MOST_DEPTH and self.random.random() < 0.15:
                lines += self._merged(shape, depth)[0]
            else:
                lines += _written(item(self.random, shape, keep=True))
        return lines

    def _plain(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        found = item(self.random, shape)
        return _written(found), found.shape

    def _merged(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        kind = self.random.choice(["add", "add", "add", "add", "subtract", "multiply", "maximum"])
        count = 2 if kind == "subtract" or self.random.random() < 0.7 else 3
        paths = [self._path(shape, depth + 1) if i or self.random.random() < 0.5 else [] for i in range(count)]
        if self.random.random() < 0.3:
            paths.reverse()
        return _branches(kind, paths), shape

    def _gate(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return squeeze and excitation, or a summand for each channel."""
        if len(shape) < 2:
            return self._plain(shape, depth)
        gate = ["- global_avgpool:", f"- conv: {{out_channels: {shape[0]}, kernel_size: 1}}"]
        gate += [f"- {self.random.choice(['sigmoid', 'hardsigmoid', 'relu'])}:"] * self.random.randint(0, 1)
        paths = [[], gate] if self.random.random() < 0.7 else [gate, self._path(shape, depth + 1)]
        return _branches(self.random.choice(["multiply", "add"]), paths), shape

    def _concat(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        axis = self.random.choice([0, 0, 0, *range(len(shape))])
        count = self.random.randint(2, 3)
        paths = [self._path(shape, depth + 1) if i or self.random.random() < 0.5 else [] for i in range(count)]
        grown = (*shape[:axis], count * shape[axis], *shape[axis + 1 :])
        return _branches("concat", paths, f"axis: {axis}"), grown

    def _dense(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return a dense block, whose layers each read all outputs before them."""
        if len(shape) < 2:
            return self._plain(shape, depth)
        extra, rounds = self.random.choice([1, 4, 8]), self.random.randint(1, 3)
        first = [f"- {self.random.choice(['relu', 'batchnorm', 'identity'])}:"]
        conv = f"- conv: {{out_channels: {extra}, kernel_size: 3, padding: 1}}"
        return [*_branches("concat", [[], [*first, conv]]), f"  repeat: {rounds}"], (
            shape[0] + rounds * extra,
            *shape[1:],
        )

    def _shared(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return a layer that is used twice."""
        found, name = item(self.random, shape, keep=True), self._name()
        between = _written(item(self.random, shape, keep=True)) if self.random.random() < 0.6 else []
        if not layer(found.type, found.arguments).apply((shape,)).weights:
            return _written(found), shape
        return [*_written(found), f"  name: {name}", *between, *_written(found), f"  weights: {name}"], shape

    def _repeated(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        rounds = f"  repeat: {self.random.randint(0, 3)}"
        if depth >= MOST_DEPTH or self.random.random() < 0.4:
            return [*_written(item(self.random, shape, keep=True)), rounds], shape
        return ["- sequence:", *_deeper(self._path(shape, depth + 1), 4), rounds], shape

    def _for(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return convolutions in a loop over their channels."""
        if len(shape) < 2:
            return self._plain(shape, depth)
        channels = [self.random.choice([1, 3, 4, 8]) for _ in range(self.random.randint(1, 3))]
        kernel = self.random.choice([1, 3])
        text = f"- conv: {{out_channels: c, kernel_size: {kernel}, padding: {kernel // 2}}}"
        return [text, f"  for: c in {channels}"], (channels[-1], *shape[1:])

    def _with_itself(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return a layer of several inputs that are all the same tensor, or this and its negative."""
        name, other, rows = self._name(), self._name(), shape[:-1]
        kinds = [("matmul: {transpose_b: true}", 2, (*rows, *rows[-1:])), ("attention:", 3, shape)] * (len(shape) > 1)
        kinds += [("where:", 3, shape), ("compare: greater", 2, shape), ("divide:", 2, shape)]
        kinds += [("minimum:", 2, shape), ("subtract:", 2, shape)]
        kind, count, out = self.random.choice(kinds)
        read = [self.random.choice([name, other]) for _ in range(count)]
        lines = [*_written(item(self.random, shape, keep=True)), f"  name: {name}", "- neg:", f"  name: {other}"]
        if prod(shape) * shape[-2 if len(shape) > 1 else 0] > MOST_OF_EXAMPLE:
            return lines, shape
        return [*lines, f"- {kind}", f"  from: [{', '.join(read)}]"], out

    def _folded(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return items that treat each slice along the first axis as a sample."""
        if len(shape) < 2:
            return self._plain(shape, depth)
        return ["- fold: 0", *self._path(shape[1:], MOST_DEPTH), f"- unfold: {shape[0]}"], shape

    def _skip(self, shape: Shape, depth: int) -> tuple[Lines, Shape]:
        """Return a merge of tensors from above."""
        name, kind = self._name(), self.random.choice(["add", "maximum", "multiply"])
        first = _written(item(self.random, shape, keep=True))
        alike = [known for known, other in self.names.items() if other == shape]
        others = self.random.sample(alike, min(len(alike), self.random.randint(1, 2)))
        merge = [f"- {kind}:", f"  from: [{', '.join([name, *others])}]"] if others else []
        self.names[name] = shape
        return [*first, f"  name: {name}", *merge], shape


def _written(found: Item) -> Lines:
    return [f"- {found.text()}"]


def _deeper(lines: Lines, by: int) -> Lines:
    return [" " * by + line for line in lines]


def _branches(kind: str, paths: list[Lines], argument: str = "") -> Lines:
    """Return a merging layer with its paths."""
    lines = [f"- {kind}:", *([f"    {argument}"] if argument else []), "    paths:"]
    for path in paths:
        lines += ["      -", *_deeper(path, 8)] if path else ["      - []"]
    return lines
