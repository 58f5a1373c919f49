"""What a user is to know of an import: folded norms, tensors that are used twice, written-out tables, a fixed batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cnncalc.importers.onnx.provenance import FOLDED_BIAS

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.params import Params
    from cnncalc.importers.onnx.values import LayerStep


def notes(build: Builder, params: Params, steps: Iterable[LayerStep], missing: Sequence[str]) -> list[str]:
    """Return what a user is to know about the import, a sentence each; ``missing`` outputs could not be made."""
    found = list(dict.fromkeys(build.notes))
    folded = sum(1 for step in steps if _is_folded(step))
    if folded:
        what = f"{folded} convolution{'s' * (folded != 1)}"
        found.append(f"batch norms are folded into {what}: their params are not in the file")
    shared = len(params.shared)
    if shared:
        what = (
            "tensors are used by several layers and count"
            if shared > 1
            else "tensor is used by several layers and counts"
        )
        found.append(f"{shared} {what} once")
    found += _of_tables(len(params.expanded.shapes), params.expanded.unread)
    training = [f"{count} {op}" for op, count in Counter(build.training).items()]
    if training:
        found.append(f"{' and '.join(training)} are in training mode: counted, and run, as in inference")
    if build.found:
        more = len(build.found) - 1
        what = f"{build.found[0]} and {more} more have" if more else f"{build.found[0]} has"
        found.append(f"{what} a variable number of output rows: the maximum is counted")
    if build.lost:
        found.append(of_lost(build.lost, missing))
    if build.single:
        found.append(f"the file works only for a batch of 1: {build.single[0]} removes the batch")
    return found


def of_lost(lost: Sequence[str], outputs: Iterable[str]) -> str:
    """Return what a user is to know of operators that are lost, and the outputs that are with them."""
    behind = f" and {len(lost) - 1} operators behind it" if len(lost) > 1 else ""
    left = [f"'{name}'" for name in outputs]
    are = "are the outputs" if len(left) > 1 else "is the output"
    without = f", and neither {are} {', '.join(left)}" if left else ""
    return f"{lost[0]}{behind} depend{'s' * (not behind)} on a variable number of rows: not counted{without}"


def _of_tables(known: int, unread: int) -> list[str]:
    """Return what is to be known of attention's biases that are written out for each pair of positions."""
    found = []
    if known:
        what = f"{known} table{'s' * (known != 1)} of attention biases"
        found.append(f"{what} are written out for every pair of positions; only their different rows count")
    if unread:
        what = f"{unread} table{'s' * (unread != 1)} of attention biases"
        found.append(
            f"{what} are written out for every pair of positions and count in full, because their rows are unknown"
        )
    return found


def _is_folded(step: LayerStep) -> bool:
    """Whether an exporter has folded a batchnorm into a convolution: it names what it has computed so."""
    if step.layer.type not in ("conv", "conv_transpose", "linear") or "bias" not in step.held:
        return False
    bias = [leaf.name for leaf in step.held["bias"].value.leaves]
    return any(name.endswith(FOLDED_BIAS) or name.startswith("onnx::Conv_") for name in bias)
