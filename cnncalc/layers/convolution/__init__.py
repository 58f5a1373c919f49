"""Layers that slide filters over a map; each product of a filter's tap and an input is a mac."""
