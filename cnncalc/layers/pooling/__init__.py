"""Layers that summarise windows of a map, or the whole of it, channel by channel."""
