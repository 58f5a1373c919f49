"""Batch norms of one network that are folded into convolutions of the other, and the difference that this explains."""

from __future__ import annotations

from collections.abc import Collection
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
        biases: params that convolutions have got in their place.
    """

    into: int
    norms: int
    params: int
    buffers: int
    biases: int

    @property
    def difference(self) -> int:
        """Additional params of the second network because of it."""
        gone = self.biases - self.params
        return gone if self.into else -gone


def folded_norms(changes: Collection[LayerDiff]) -> FoldedNorms | None:
    """Return the batch norms that only one network has, where the other has a bias instead; None if there are none.

    A convolution that had a bias already shows no trace of a norm, so none is claimed there.  If the other network
    lacks a convolution with a norm, the networks are too different, and nothing is claimed.
    """
    pairs = [pair for pair in pairs_of(changes) if pair[0].type in FOLDS]
    found: list[FoldedNorms] = []
    for into, change in ((1, REMOVED), (0, ADDED)):
        owners = {pair[1 - into].name: (pair[1 - into], pair[into]) for pair in pairs}
        alone = [row for one in changes if one.change == change and (row := one.b if into == 0 else one.a) is not None]
        norms = [(norm, owners.get(norm.inputs[0])) for norm in alone if norm.type == "batchnorm"]
        biases = [_biases(*owner) if owner else None for _, owner in norms]
        gone = [norm for (norm, _), bias in zip(norms, biases, strict=True) if bias]
        if gone and None not in biases:
            params, buffers = sum([norm.params for norm in gone]), sum([norm.buffers for norm in gone])
            found.append(FoldedNorms(into, len(gone), params, buffers, sum(filter(None, biases))))
    return found[0] if len(found) == 1 else None


def _biases(owner: Row, other: Row) -> int | None:
    """Return the number of biases of a layer that a norm may follow: all or 0; None for other layers."""
    more = other.params - owner.params
    return more if more in (0, other.args.get("out_channels", other.args.get("out_features"))) else None
