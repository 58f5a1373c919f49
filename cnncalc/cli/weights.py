"""``cnncalc weights``: the tensors that a network expects, and random ones to a file."""

from __future__ import annotations

from typing import Any

import click

from cnncalc.cli.options import Whole, network_of, output_options_with, spec_options, target
from cnncalc.cli.overwriting import refuse_overwriting
from cnncalc.execution import load_numpy
from cnncalc.graph import Graph
from cnncalc.ground.errors import CnncalcError

TENSORS = (".npz", ".safetensors")
COLUMNS = ("name", "layer", "shape", "trainable")


@click.command("weights", short_help="The tensors that 'run --weights' expects.")
@spec_options
@click.option("--seed", type=Whole(0, 2**63 - 1), help="Of the random tensors. Default: 0.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Of the random tensors. Default: float32.")
@output_options_with(
    help="Write random tensors to an .npz or .safetensors; any other file gets the list.", others=TENSORS
)
def command(
    spec: str,
    variant: str | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    layout: str,
    seed: int | None,
    dtype: str | None,
    format: str,
    path: str | None,
    color: str,
) -> None:
    """List the tensors that 'cnncalc run --weights' expects: PyTorch's names and shapes under our layers' names.

    \b
    cnncalc weights lenet5
    cnncalc weights resnet50 --format json
    cnncalc weights resnet50 -o random.npz --seed 0
    """
    tensors = path is not None and path.lower().endswith(TENSORS)
    if not tensors and (seed, dtype) != (None, None):
        option = "--dtype" if seed is None else "--seed"
        raise CnncalcError(f"{option} is of random tensors, which -o FILE.npz or FILE.safetensors writes")
    if tensors and format != "table":
        raise CnncalcError(f"--format {format} is of the list, but {path} gets the tensors")
    network = network_of(spec, variant, inputs, settings, layout)
    if path is not None and tensors:
        _write(network, path, seed or 0, dtype or "float32")
        return
    out = target(path, color)
    if format == "table":
        out.page(_page(network, out.width, out.terminal))
        return
    from cnncalc.rendering.records import as_json, as_lines
    from cnncalc.rendering.summary_records import SCHEMA_VERSION

    records = _records(network)
    out.text(
        [as_json({"schema_version": SCHEMA_VERSION, "weights": records})]
        if format == "json"
        else as_lines(records, format, COLUMNS)
    )


def _write(network: Graph, path: str, seed: int, dtype: str) -> None:
    """Write random tensors."""
    load_numpy()
    from cnncalc.execution.runner import cores
    from cnncalc.execution.storage import check_target, write_arrays
    from cnncalc.execution.weights import random_weights

    check_target(path)
    refuse_overwriting("-o", path)
    try:
        write_arrays(path, random_weights(network, seed, dtype, cores()))
    except MemoryError:
        raise CnncalcError("the memory was used up") from None


def _records(network: Graph) -> list[dict[str, Any]]:
    return [
        {"name": f"{node.name}.{name}", "layer": node.name, "shape": weight.shape, "trainable": weight.trainable}
        for node in network.nodes
        if node.shares is None
        for name, weight in node.use.weights.items()
    ]


def _page(network: Graph, width: int | None, terminal: bool) -> Any:
    from math import prod

    from cnncalc.rendering.page import Cell, Column, Rule, TableRow, table
    from cnncalc.rendering.text import exact

    records = _records(network)
    rows: list[TableRow] = [
        [
            record["name"],
            "(" + ", ".join(map(str, record["shape"])) + ")",
            exact(prod(record["shape"])),
            "" if record["trainable"] else Cell("buffer", "dim"),
        ]
        for record in records
    ]
    total = exact(sum(prod(record["shape"]) for record in records))
    rows += [Rule(), [Cell(f"{len(records)} tensors", "bold"), "", Cell(total, "bold"), ""]]
    columns = (Column("name", folds=True), Column("shape"), Column("elements", right=True), Column(""))
    return table(columns, rows, width, terminal)
