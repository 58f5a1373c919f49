"""Lowering rules of the layer types, one file per family."""
