"""A sweep as a Parquet file: one column per argument and figure, in groups of rows: millions take little memory.

Counts and whole-numbered arguments are 64-bit integers, other numbers doubles, flags booleans; words, shapes and lists
are texts as csv has them.  A figure beyond 64 bits is null, and the column ``error`` has it in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from io import RawIOBase
from types import ModuleType
from typing import Any

from cnncalc.ground.errors import CnncalcError
from cnncalc.rendering.writers import flat
from cnncalc.studies.sweep.grid import Grid
from cnncalc.studies.sweep.jobs import SweepPart
from cnncalc.studies.sweep.values import Each

GROUP = 65_536
"""Rows per group, the same for every engine, so that the bytes are the same."""

_TEXTS = ("output", "receptive_field")
"""Figures that are shapes."""

MOST_SHAPES = 100_000
"""Number of shapes and lists whose texts are cached."""


def packed(parts: Iterable[SweepPart], grid: Grid, names: dict[str, str], figures: Sequence[str]) -> Iterator[bytes]:
    """Yield the bytes of a file, group by group.

    Args:
        parts: of the sweep.
        grid: its combinations.
        names: the arguments by the names of their columns.
        figures: the columns after them.

    Raises:
        CnncalcError: if pyarrow is missing.
    """
    try:
        pa = import_module("pyarrow")
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise CnncalcError("a parquet file needs pyarrow", "pip install 'cnncalc[parquet]'") from None
    table = _Table(pa, grid, names, figures)
    sink, waiting, count = _Sink(), list[Any](), 0
    with parquet.ParquetWriter(sink, table.schema) as writer:
        for part in parts:
            waiting.append(table.batch(part))
            count += len(waiting[-1])
            while count >= GROUP:
                whole = pa.Table.from_batches(waiting)
                writer.write_table(whole.slice(0, GROUP).combine_chunks(), row_group_size=GROUP)
                waiting, count = whole.slice(GROUP).to_batches(), count - GROUP
                yield sink.taken()
        if count:
            writer.write_table(pa.Table.from_batches(waiting).combine_chunks(), row_group_size=GROUP)
    yield sink.taken()


class _Sink(RawIOBase):
    """Collects the bytes that are written to it until they are taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Return True: ``RawIOBase`` asks whether it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Append bytes."""
        self._chunks.append(bytes(data))
        self._written += len(self._chunks[-1])
        return len(self._chunks[-1])

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._written

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        taken, self._chunks = b"".join(self._chunks), []
        return taken


class _Table:
    """Makes batches of a schema."""

    def __init__(self, pa: ModuleType, grid: Grid, names: dict[str, str], figures: Sequence[str]) -> None:
        from cnncalc.studies.sweep.gather import Gatherer  # NumPy

        self._pa = pa
        self._names = names
        self._figures = figures
        self._variant = grid.variants[0] if len(grid.variants) == 1 else None
        self._gatherer = Gatherer(grid, figures)
        self._text = lru_cache(MOST_SHAPES)(flat)
        kinds = {column: self._kind(grid, name) for column, name in names.items()}
        kinds["input"] = pa.string()
        kinds |= {name: pa.string() if name in _TEXTS else pa.int64() for name in figures}
        kinds["error"] = pa.string()
        self.schema = pa.schema(list(kinds.items()))

    def batch(self, part: SweepPart) -> Any:
        """Return a part's rows."""
        rows, pa = self._gatherer.rows(part), self._pa
        count = len(rows.inputs)
        missing = None if rows.networks.all() else ~rows.networks
        errors = [rows.errors.get(row) for row in range(count)]
        columns = [
            self._argument(rows.variants if column == "variant" else rows.args[name], count, column)
            for column, name in self._names.items()
        ]
        columns.append(pa.array(self._flat(rows.inputs.tolist()), pa.string()))
        columns += [self._figure(name, rows.figures[name], missing, errors) for name in self._figures]
        columns.append(pa.array(errors, pa.string()))
        return pa.record_batch(columns, schema=self.schema)

    def _kind(self, grid: Grid, name: str) -> Any:
        """Return the type of an argument's column that fits all of its values."""
        pa = self._pa
        values: Any = grid.args.get(name, ())
        if isinstance(values, range):
            return pa.int64()
        kinds = {tuple} if isinstance(values, Each) else {type(value) for value in values}
        if kinds == {bool}:
            return pa.bool_()
        if kinds == {int}:
            return pa.int64() if all(map(_fits, values)) else pa.string()
        if kinds == {float} or (kinds == {int, float} and all(abs(value) <= 2**53 for value in values)):
            return pa.float64()
        return pa.string()

    def _argument(self, values: Any, count: int, column: str) -> Any:
        kind = self.schema.field(column).type
        if values is None:  # the only variant
            return self._pa.array([self._variant] * count, kind)
        if kind == self._pa.string():
            return self._pa.array(self._flat(values.tolist()), kind)
        return self._pa.array(values if values.dtype != object else values.tolist(), kind)

    def _figure(self, name: str, values: Any, missing: Any, errors: list[str | None]) -> Any:
        """Return a figure's column; values that do not fit are recorded as errors."""
        kind = self.schema.field(name).type
        if values.dtype != object:
            return self._pa.array(values, kind if kind != self._pa.string() else None, mask=missing).cast(kind)
        found: list[Any] = values.tolist()
        if missing is not None:
            found = [None if none else value for none, value in zip(missing.tolist(), found, strict=True)]
        if kind == self._pa.string():
            return self._pa.array(self._flat(found), kind)
        for row, value in enumerate(found):
            if value is not None and not _fits(value):
                errors[row] = "; ".join(filter(None, [errors[row], f"{name} = {value} does not fit into 64 bits"]))
                found[row] = None
        return self._pa.array(found, kind)

    def _flat(self, values: list[Any]) -> list[str | None]:
        """Return values as cells of csv; equal ones of a kind are formatted once."""
        found: list[str | None] = []
        for value in values:
            if value is None or isinstance(value, str):
                found.append(value)
            else:
                found.append(self._text(value) if isinstance(value, tuple) else flat(value))
        return found


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**63
