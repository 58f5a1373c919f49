"""A graph as an ONNX model, written without a library: each layer adds its operators."""

from __future__ import annotations

from cnncalc.exporters.onnx.model import export as export
