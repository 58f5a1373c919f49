"""Notes for users about an import: folded norms, shared tensors, expanded tables, a fixed batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cnncalc.ground.errors import clipped
from cnncalc.ground.limits import MAX_FAULTS
from cnncalc.ground.numbers import counted

if TYPE_CHECKING:
    from cnncalc.importers.onnx.builder import Builder
    from cnncalc.importers.onnx.params import Params


def notes(build: Builder, params: Params, folded: int, missing: Sequence[str], unread: Sequence[str]) -> list[str]:
    """Return the notes about an import, one sentence each.

    Args:
        folded: number of layers into which a batch norm is folded.
        missing: outputs that were left out.
        unread: inputs that were left out.
    """
    notes = list(dict.fromkeys(build.notes))
    more = len(notes) - MAX_FAULTS
    found = [clipped(note) for note in notes[:MAX_FAULTS]] + [f"{more:,} more notes such as the last one"] * (more > 0)
    if unread:
        listed = ", ".join([f"'{name}'" for name in unread])
        found.append(clipped(f"no operator reads the input{'s' * (len(unread) > 1)} {listed}: left out"))
    if folded:
        what = f"{folded} convolution{'s' * (folded != 1)}"
        found.append(f"batch norms are folded into {what}: their params are not in the file")
    shared = len(params.shared)
    if shared:
        are, count = ("s are", "count") if shared > 1 else (" is", "counts")
        fewer = f"{counted(params.saved, 'param')} fewer than with one for each layer"
        found.append(f"{shared} tensor{are} used by several layers and {count} once: {fewer}")
    found += _of_tables(len(params.bias_tables.shapes), params.bias_tables.unread)
    training = [f"{count} {op}" for op, count in Counter(build.training).items()]
    if training:
        found.append(f"{' and '.join(training)} are in training mode: counted, and run, as in inference")
    if build.variable_rows:
        more = len(build.variable_rows) - 1
        what = f"{build.variable_rows[0]} and {more} more have" if more else f"{build.variable_rows[0]} has"
        found.append(f"{what} a variable number of output rows: the maximum is counted")
    if build.lost:
        found.append(clipped(of_lost(build.lost, missing)))
    if build.one_sample_only:
        found.append(f"the file works only for a batch of 1: {build.one_sample_only[0]} removes the batch")
    return found


def of_lost(lost: Sequence[str], outputs: Iterable[str]) -> str:
    """Return the note about operators that depend on a variable number of rows, and the outputs lost with them."""
    behind = f" and {counted(len(lost) - 1, 'operator')} behind it" if len(lost) > 1 else ""
    left = [f"'{name}'" for name in outputs]
    are = "are the outputs" if len(left) > 1 else "is the output"
    without = f", and neither {are} {', '.join(left)}" if left else ""
    return f"{lost[0]}{behind} depend{'s' * (not behind)} on a variable number of rows: not counted{without}"


def _of_tables(known: int, unread: int) -> list[str]:
    """Return the notes about tables of attention biases that the file has expanded to each pair of positions."""
    kinds = (known, "only rows that differ count"), (unread, "all elements count, because the rows are unknown")
    what = "attention biases are written out for every pair of positions in"
    return [f"{what} {counted(count, 'table')}: {why}" for count, why in kinds if count]
