"""Layers that summarise windows of a map, or the whole map, channel by channel."""
