"""Batch norms of one network that are folded into the convolutions of the other, and what that explains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnncalc.figures.summary import Row
from cnncalc.studies.compare.diff import ADDED, REMOVED, LayerDiff

FOLDS = ("conv", "conv_transpose", "linear")


class FoldedNorms(NamedTuple):
    """What folding has done to one network's params.

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
        """How many params more the second network has because of it."""
        gone = self.biases - self.params
        return gone if self.into else -gone


def folded_norms(changes: Iterable[LayerDiff]) -> FoldedNorms | None:
    """Return the batch norms that only one network has, where the other has a bias instead; None where there are none.

    A convolution that had a bias already shows no trace of a norm, so none is claimed there.
    """
    pairs = [(one.a, one.b) for one in changes if one.a is not None and one.b is not None]
    found: list[FoldedNorms] = []
    for into, change in ((1, REMOVED), (0, ADDED)):
        partners = {pair[1 - into].name: pair[into] for pair in pairs if pair[0].type in FOLDS}
        owners = {pair[1 - into].name: pair[1 - into] for pair in pairs}
        norms = [row for one in changes if one.change == change and (row := one.b if into == 0 else one.a) is not None]
        count = params = buffers = biases = 0
        for norm in norms:
            source = norm.inputs[0] if norm.type == "batchnorm" and norm.inputs else ""
            if source in partners and _took_up(partners[source], owners[source]):
                count, params, buffers = count + 1, params + norm.params, buffers + norm.buffers
                biases += partners[source].params - owners[source].params
        if count:
            found.append(FoldedNorms(into, count, params, buffers, biases))
    return found[0] if len(found) == 1 else None


def _took_up(row: Row, owner: Row) -> bool:
    """Whether a layer is another one with a bias that it has for a norm behind it."""
    more = row.params - owner.params
    return more > 0 and more == row.args.get("out_channels", row.args.get("out_features"))
