"""The closing sentence of a summary: where speeding up and where pruning is worthwhile for this network."""

from __future__ import annotations

from collections.abc import Mapping

from cnncalc.figures.summary import KindTotals, Summary, share
from cnncalc.ground.numbers import percent

NOTHING = "There are no products: no convolution and no fully connected layer."

_NOUNS = {
    "conv": "convolutions",
    "fc": "fully connected layers",
    "matmul": "matrix products",
    "recurrent": "recurrent layers",
}


def verdict(summary: Summary) -> str:
    """Compare a network with the textbook's "convolution computes, fully connected stores"."""
    if not summary.totals.macs:
        unknown = ", ".join(summary.uncounted)
        return f"The products of {unknown} are not counted, and there are no others." if unknown else NOTHING
    kinds = summary.kinds
    computes = max(kinds, key=lambda kind: kinds[kind].macs)
    stores = max(kinds, key=lambda kind: (kinds[kind].params, kind == computes))
    claim = _of_one(computes, kinds) if computes == stores else _of_two(computes, stores, kinds)
    return f"{claim} {_heaviest(summary)}"


def _of_one(kind: str, kinds: Mapping[str, KindTotals]) -> str:
    """Return what there is to say of a network where one kind both computes and stores."""
    macs, params = percent(kinds[kind].macs_share), percent(kinds[kind].params_share)
    claims = [
        f"{_noun(kind).capitalize()} compute and store: {kind} has {macs} of the MACs and {params} of the params."
    ]
    if "conv" not in kinds:
        claims.append("There is no convolution.")
    elif kind != "conv":
        claims.append(
            f"That convolution computes does not hold here: conv has {percent(kinds['conv'].macs_share)} of the MACs."
        )
    if "fc" not in kinds:
        claims.append("There is no fully connected layer.")
    elif kind != "fc":
        fc_params = percent(kinds["fc"].params_share)
        claims.append(f"That fully connected layers store does not hold here: fc has {fc_params} of the params.")
    return " ".join([*claims, f"Speeding up and pruning both pay in the {_noun(kind)}."])


def _of_two(computes: str, stores: str, kinds: Mapping[str, KindTotals]) -> str:
    """Return what there is to say of a network where one kind computes and another one stores."""
    textbook = computes == "conv" and stores == "fc"
    head = "Convolution computes, fully connected stores"
    if not textbook:
        head = f"{_noun(computes).capitalize()} compute, {_noun(stores)} store"
    first, second = kinds[computes], kinds[stores]
    return (
        f"{head}: {computes} has {percent(first.macs_share)} of the MACs with {percent(first.params_share)} of the "
        f"params, {stores} has {percent(second.params_share)} of the params with {percent(second.macs_share)} of the "
        f"MACs. Speed up the {_noun(computes)}, prune the {_noun(stores)}."
    )


def _noun(kind: str) -> str:
    return _NOUNS.get(kind, f"layers of the kind {kind}")


def _heaviest(summary: Summary) -> str:
    compute = max(summary.rows, key=lambda row: row.macs)
    store = max(summary.rows, key=lambda row: row.params)
    macs = percent(share(compute.macs, summary.totals.macs))
    params = percent(share(store.params, summary.totals.params))
    if compute is store:
        return f"The heaviest layer is {compute.name}, with {macs} of the MACs and {params} of the params."
    in_params = f"{store.name}, with {params} of the params"
    return f"The heaviest layers are {compute.name}, with {macs} of the MACs, and {in_params}."
