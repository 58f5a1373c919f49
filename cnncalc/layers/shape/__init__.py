"""Layers that move elements and compute little or nothing."""
