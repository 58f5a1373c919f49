"""Batch norms of one network that are folded into convolutions of the other, and the difference that this explains."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from cnncalc.figures.summary import Row
from cnncalc.studies.compare.diff import ADDED, REMOVED, LayerDiff, pairs_of

FOLDS = ("conv", "conv_transpose", "linear")


class FoldedNorms(NamedTuple):
    """The effect of folding on one network's params.

    Attributes:
        into: the network that they are folded in: 0 for the first, 1 for the second.
        norms: how many.
        params: their own, which the other network has.
        buffers: their statistics.
        biases: elements of the biases that convolutions have got in their place.
        shared: elements of their biases that don't count, as they are in a tensor that another layer has counted.
        shared_elsewhere: the same of the params of all other layers that both networks have.
    """

    into: int
    norms: int
    params: int
    buffers: int
    biases: int
    shared: int
    shared_elsewhere: int

    @property
    def difference(self) -> int:
        """Additional params of the second network because of it."""
        gone = self.biases - self.shared - self.params
        return gone if self.into else -gone

    @property
    def difference_with_shared(self) -> int:
        """Additional params of the second network because of it, and of what other layers share."""
        return self.difference - (self.shared_elsewhere if self.into else -self.shared_elsewhere)


def folded_norms(changes: Collection[LayerDiff], stated: Sequence[Collection[str]] = ((), ())) -> FoldedNorms | None:
    """Return the batch norms that only one network has, folded into layers of the other; None if there are none.

    A norm is folded where the other network's convolution has a bias that this one lacks, or where the other is a model
    file that states it; ``stated`` are the names of such layers of both networks.  Without a trace none is claimed.  If
    the other network lacks a convolution with a norm, the networks are too different, and nothing is claimed.
    """
    found: list[FoldedNorms] = []
    for into, change in ((1, REMOVED), (0, ADDED)):
        pairs = [(pair[1 - into], pair[into]) for pair in pairs_of(changes)]
        owners = {owner.name: (owner, other) for owner, other in pairs if owner.type in FOLDS}
        alone = [row for one in changes if one.change == change and (row := one.b if into == 0 else one.a) is not None]
        owned = [(norm, owners.get(norm.inputs[0])) for norm in alone if norm.type == "batchnorm"]
        biases = [_biases(*owner) if owner else None for _, owner in owned]
        folded = [
            (norm, owner[0], bias)
            for (norm, owner), bias in zip(owned, biases, strict=True)
            if owner and bias and (bias.elements or owner[1].name in stated[into])
        ]
        if folded and None not in biases:
            convolutions = {owner.name for _, owner, _ in folded}
            elsewhere = _shared([pair for pair in pairs if pair[0].name not in convolutions])
            params, buffers = sum([norm.params for norm, *_ in folded]), sum([norm.buffers for norm, *_ in folded])
            elements, shared = sum([bias.elements for *_, bias in folded]), sum([bias.shared for *_, bias in folded])
            found.append(FoldedNorms(into, len(folded), params, buffers, elements, shared, elsewhere))
    return found[0] if len(found) == 1 else None


def _shared(pairs: Collection[tuple[Row, Row]]) -> int:
    """Return the params of layers that don't count in their counterparts, which are the same."""
    return sum([one.params - other.params for one, other in pairs if one.type == other.type and one.args == other.args])


class _Bias(NamedTuple):
    """The elements of the bias that a layer has more than its counterpart, and those that another layer has counted."""

    elements: int
    shared: int


def _biases(owner: Row, other: Row) -> _Bias | None:
    """Return the bias of the counterpart of a layer that a norm follows; None if the two are too different."""
    bias = int(str(other.args.get("out_channels", other.args.get("out_features")))) if other.args.get("bias") else 0
    elements = 0 if owner.args.get("bias") else bias
    shared = owner.params + elements - other.params
    return _Bias(elements, shared) if shared in (0, bias) else None
