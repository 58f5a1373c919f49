"""Layers that move elements and compute nothing, or hardly anything."""
