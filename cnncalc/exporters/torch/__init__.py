"""PyTorch source: a module class for each block of the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.exporters.formats import Options
    from cnncalc.graph import Graph


def export(graph: Graph, options: Options) -> Iterator[bytes]:
    """Yield the source; see :func:`cnncalc.exporters.torch.module.torch_source`."""
    from cnncalc.exporters.formats import check_text
    from cnncalc.exporters.torch.module import torch_source

    check_text(graph)
    yield torch_source(graph).encode()
