"""Queries times keys, and weights times values, as matrix products or Einstein sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cnncalc.importers.onnx.patterns.fuser import Fuser
    from cnncalc.importers.onnx.values import LayerStep, Value

PRODUCTS = ("matmul", "einsum")


class Weighted(NamedTuple):
    """The product of weights and values.

    Attributes:
        normal: the softmax whose output the weights are.
        parts: the layers from it to the product.
        values: the values.
        order: the permutation that makes them (…, S, e), or (…, e, S) with the features first.
        out: the permutation of (…, L, e) that is the output.
        features_first: whether the output is (…, e, L).
    """

    normal: LayerStep
    parts: list[LayerStep]
    values: Value
    order: tuple[int, ...]
    out: tuple[int, ...]
    features_first: bool


def weighted(fuser: Fuser, step: LayerStep) -> Weighted | None:
    """Return the parts of a product of a softmax and values; None if it is none."""
    return _of_einsum(fuser, step) if step.layer.type == "einsum" else _of_matmul(fuser, step)


def _of_matmul(fuser: Fuser, step: LayerStep) -> Weighted | None:
    if step["transpose_a"] or step["transpose_b"]:
        return None
    same = tuple(range(len(step.output.shape)))
    normal, flipped = fuser.maker(step.inputs[0], "softmax"), fuser.maker(step.inputs[1], "permute")
    if normal is not None:
        return Weighted(normal, [normal, step], step.inputs[1], same, same, False)
    normal = fuser.maker(flipped.inputs[0], "softmax") if flipped is not None else None
    if normal is None or flipped is None or flipped["dims"] != swapped(same):
        return None
    return Weighted(normal, [normal, flipped, step], step.inputs[0], same, same, True)


def _of_einsum(fuser: Fuser, step: LayerStep) -> Weighted | None:
    *terms, out = _terms(step)
    for place, value in enumerate(step.inputs if len(terms) == 2 else ()):
        normal = fuser.maker(value, "softmax")
        if normal is None:
            continue
        weights, values = terms[place], terms[1 - place]
        lead, row, key, feature = weights[:-2], weights[-2:-1], weights[-1:], "".join(set(out) - set(weights))
        if len(feature) != 1 or set(values) != {*lead, key, feature} or set(out) != {*lead, row, feature}:
            return None
        orders = _order(values, lead + key + feature), _order(lead + row + feature, out)
        return Weighted(normal, [normal, step], step.inputs[1 - place], *orders, False)
    return None


def _terms(step: LayerStep) -> list[str]:
    """Return the letters of an Einstein sum's inputs and of its output."""
    equation: str = step["equation"]
    return equation.replace("->", ",").split(",")


def _order(letters: str, wanted: str) -> tuple[int, ...]:
    return tuple([letters.index(letter) for letter in wanted])


def multiplied(product: LayerStep) -> tuple[tuple[Value, tuple[int, ...]], ...] | None:
    """Return queries and keys with the permutations that make them (…, L, d) and (…, d, S); None if it has no such."""
    if product.layer.type == "matmul":
        same = tuple(range(len(product.output.shape)))
        transposed = product["transpose_a"] or product["transpose_b"]
        return None if transposed else tuple([(value, same) for value in product.inputs])
    *terms, out = _terms(product)
    lead, row, key = out[:-2], out[-2:-1], out[-1:]
    summed = "".join(set("".join(terms)) - set(out))
    sides = []
    for letters in (lead + row + summed, lead + summed + key):
        found = [
            (value, _order(term, letters))
            for term, value in zip(terms, product.inputs, strict=True)
            if len(term) == len(letters) and set(term) == set(letters)
        ]
        sides += found
    return tuple(sides) if len(terms) == len(sides) == 2 and len(summed) == 1 else None


def swapped(order: tuple[int, ...]) -> tuple[int, ...]:
    """Return an order of axes with the last two exchanged."""
    return (*order[:-2], order[-1], order[-2])
