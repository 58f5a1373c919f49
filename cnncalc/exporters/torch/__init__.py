"""PyTorch source: a module class for each block of the network."""

from __future__ import annotations

from cnncalc.exporters.torch.module import export as export
