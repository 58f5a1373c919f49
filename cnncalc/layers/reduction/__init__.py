"""Layers that summarise whole axes."""
