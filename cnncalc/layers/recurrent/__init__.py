"""Layers that process a sequence step by step."""
