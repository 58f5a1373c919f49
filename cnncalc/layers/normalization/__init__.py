"""Layers that shift and scale by statistics."""
