"""Graphs in other formats: exporters ask the layers, and have no tables of their own."""
