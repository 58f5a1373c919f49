"""Layers that work element by element (softmax: along one axis)."""
