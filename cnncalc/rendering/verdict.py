"""The closing sentence of a summary: where speeding up and where pruning is worthwhile for this network."""

from __future__ import annotations

from cnncalc.figures.summary import KindTotals, Summary, share
from cnncalc.ground.numbers import counted, percent

NOTHING = "There are no products: no convolution and no fully connected layer."


def verdict(summary: Summary) -> str:
    """Compare a network with the textbook's "convolution computes, fully connected stores"."""
    conv, fc = summary.kinds.get("conv"), summary.kinds.get("fc")
    if not summary.totals.macs:
        unknown = ", ".join(summary.uncounted)
        return f"The products of {unknown} are not counted, and there are no others." if unknown else NOTHING
    if conv is not None and fc is not None:
        return f"{_claim(conv, fc)} {_heaviest(summary)}"
    if conv is not None:
        return (
            f"All {counted(conv.macs, 'MAC')} and {percent(conv.params_share)} of the params are in convolutions: "
            "both speeding up and pruning pay there. There is no fully connected layer. " + _heaviest(summary)
        )
    if fc is None:
        return f"There is neither a convolution nor a fully connected layer. {_heaviest(summary)}"
    return (
        "There is no convolution: the fully connected layers both compute and store "
        f"({percent(fc.params_share)} of the params). " + _heaviest(summary)
    )


def _claim(conv: KindTotals, fc: KindTotals) -> str:
    conv_macs, conv_params = percent(conv.macs_share), percent(conv.params_share)
    fc_macs, fc_params = percent(fc.macs_share), percent(fc.params_share)
    if conv.macs_share > 0.5 and fc.params_share > 0.5:
        return (
            f"Convolution computes, fully connected stores: conv has {conv_macs} of the MACs with {conv_params} of "
            f"the params, fc has {fc_params} of the params with {fc_macs} of the MACs. "
            "Speed up the convolutions, prune the fully connected layers."
        )
    if conv.macs_share > 0.5:
        return (
            f"Convolution computes and stores: conv has {conv_macs} of the MACs and {conv_params} of the params. "
            f"That fully connected layers store does not hold here: fc has {fc_params} of the params. "
            "Speeding up and pruning both pay in the convolutions."
        )
    if fc.params_share > 0.5:
        return (
            f"Fully connected layers compute and store: fc has {fc_macs} of the MACs and {fc_params} of the params. "
            f"That convolution computes does not hold here: conv has {conv_macs} of the MACs. "
            "Speeding up and pruning both pay in the fully connected layers."
        )
    return (
        f"The textbook is turned round: fc has {fc_macs} of the MACs, conv {conv_params} of the params. "
        "Speed up the fully connected layers, prune the convolutions."
    )


def _heaviest(summary: Summary) -> str:
    compute = max(summary.rows, key=lambda row: row.macs)
    store = max(summary.rows, key=lambda row: row.params)
    macs = percent(share(compute.macs, summary.totals.macs))
    params = percent(share(store.params, summary.totals.params))
    if compute is store:
        return f"The heaviest layer is {compute.name}, with {macs} of the MACs and {params} of the params."
    in_params = f"{store.name}, with {params} of the params"
    return f"The heaviest layers are {compute.name}, with {macs} of the MACs, and {in_params}."
