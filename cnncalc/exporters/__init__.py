"""Graphs in other forms: they ask the layers, and hold no table of their own."""
