"""Layers that slide filters over a map; macs are counted where a filter's tap meets an input."""
